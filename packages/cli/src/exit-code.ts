/** How a command ends. Scripts rely on these numbers. */
export const EXIT = {
  ok: 0,
  error: 1,
  /** A plan has changes that nobody has applied. */
  changesPending: 2,
  /** The brake holds a plan, or an approval is missing. */
  held: 3,
  /** The directory did not answer in full: nothing was concluded from it. */
  incomplete: 4,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
