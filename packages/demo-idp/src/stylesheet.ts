/** The one stylesheet. Its colours have at least 4.5 : 1 contrast in both schemes (WCAG 2.2 §1.4.3). */
export const STYLESHEET = `
:root {
  --page: #f5f6f8; --card: #ffffff; --ink: #1b2230; --soft: #515c6e; --line: #d5dae2;
  --main: #1f5fc4; --on-main: #ffffff; --danger: #b3261e; --focus: #0b57d0;
  --good-back: #dff3e4; --good: #14532d; --bad-back: #fbe2e0; --bad: #8c1d18;
  --warn-back: #fdf0cf; --warn: #6b4700; --mute-back: #e6e9ee; --mute: #3f4857;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161d; --card: #1b212b; --ink: #e8ebf1; --soft: #a9b3c3; --line: #343d4b;
    --main: #8ab4f8; --on-main: #0d1b33; --danger: #ff9d94; --focus: #a8c7fa;
    --good-back: #163a24; --good: #a6e3b8; --bad-back: #4a1c19; --bad: #ffc4be;
    --warn-back: #44340c; --warn: #ffdf8d; --mute-back: #2c3542; --mute: #cdd5e1;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
.bar { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline; padding: .75rem 1.5rem;
  background: var(--card); border-bottom: 1px solid var(--line); }
.brand { color: var(--ink); font-weight: 700; text-decoration: none; }
.hint, .soft { color: var(--soft); font-size: .9rem; }
main { max-width: 72rem; margin: 0 auto; padding: 1rem 1.5rem 3rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 1rem 0 .5rem; }
h2 { font-size: 1.15rem; margin: 0 0 .75rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: 1.1rem 1.25rem; margin: 1.25rem 0; }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; }
caption { text-align: left; font-weight: 700; font-size: 1.15rem; padding-bottom: .5rem; }
th, td { text-align: left; vertical-align: top; padding: .6rem .75rem .6rem 0; border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--soft); font-size: .85rem; font-weight: 600; }
th[scope=row] { font-weight: 600; }
code, .path { font-family: ui-monospace, "Cascadia Mono", "Liberation Mono", monospace; font-size: .85rem; }
.path { overflow-wrap: anywhere; }
.detail { display: block; color: var(--soft); font-weight: 400; font-size: .85rem; }
.tag { display: inline-block; border-radius: 1rem; padding: .05rem .65rem; margin: 0 .25rem .25rem 0;
  background: var(--mute-back); color: var(--mute); font-size: .85rem; white-space: nowrap; }
.tag.active, .note.good { background: var(--good-back); color: var(--good); }
.tag.disabled, .tag.unassigned { background: var(--warn-back); color: var(--warn); }
.tag.removed, .note.bad { background: var(--bad-back); color: var(--bad); }
.note { border-radius: .5rem; padding: .7rem 1rem; margin: .75rem 0; }
.note p { margin: 0; }
.note form { margin-top: .5rem; }
.actions { display: flex; flex-wrap: wrap; gap: .4rem; }
form { margin: 0; }
button, summary { font: inherit; font-size: .9rem; line-height: 1.4; cursor: pointer; border-radius: .4rem; padding: .3rem .75rem;
  min-height: 2rem; border: 1px solid var(--soft); background: var(--card); color: var(--ink); }
summary { display: inline-block; list-style: none; }
summary::-webkit-details-marker { display: none; }
details[open] > summary { margin-bottom: .5rem; }
button.main { background: var(--main); border-color: var(--main); color: var(--on-main); font-weight: 600; }
button.danger { border-color: var(--danger); color: var(--danger); }
button:hover, summary:hover { filter: brightness(.95); }
@media (prefers-color-scheme: dark) { button:hover, summary:hover { filter: brightness(1.15); } }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
fieldset { border: 0; padding: 0; margin: 0 0 .8rem; }
legend { font-weight: 600; padding: 0; margin-bottom: .3rem; }
.choice { display: flex; gap: .55rem; align-items: baseline; padding: .2rem 0; }
input[type=radio], input[type=checkbox] { accent-color: var(--main); width: 1.05rem; height: 1.05rem; flex: none; transform: translateY(.15rem); }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.people { list-style: none; padding: 0; margin: 1rem 0; max-width: 44rem; }
.people li { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; justify-content: space-between;
  background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .75rem 1rem; margin: .6rem 0; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 0 1.25rem; align-items: start; }
`;
