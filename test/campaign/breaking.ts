// Loaded before the product: breaks one thing in it on purpose, by changing the text of
// its modules as they are loaded. The campaign has to find it, or it proves nothing.
import { registerHooks } from 'node:module';
import { BREAKS } from './breaks.ts';

const name = process.env.CAMPAIGN_BROKEN ?? '';
const found = BREAKS.find((one) => one.name === name);
if (found === undefined) throw new Error(`expected a break that there is, received ${name}`);

const { edits } = found;
registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const own = edits.filter(({ file }) => url.endsWith(`/packages/${file}`));
    if (own.length === 0) return loaded;
    let source = String(loaded.source);
    for (const { file, from, to } of own) {
      const broken = source.replace(from, to);
      if (broken === source) throw new Error(`${file} no longer has what ${name} breaks`);
      source = broken;
    }
    return { ...loaded, source };
  },
});
