#!/usr/bin/env node
// The one way in for `npm start`, `npm test` and the others. Runs on Node 20 with
// nothing installed: it gets what is missing, then runs the command with it.
const [major] = process.versions.node.split('.').map(Number);
if (major < 20) {
  console.error(`Rollcall needs Node 20 or newer, and this is Node ${process.versions.node}.`);
  process.exit(1);
}

const { Complaint } = await import('./complaint.mjs');
try {
  const { runCommand } = await import('./commands.mjs');
  const [name, ...args] = process.argv.slice(2);
  process.exitCode = await runCommand(name, args);
} catch (error) {
  if (!(error instanceof Complaint)) throw error;
  if (error.output) console.error(error.output);
  console.error(error.message);
  process.exitCode = 1;
}
