// A second process that opens the embedded database in the folder it is given,
// says how, and keeps it open until its standard input ends.
import { openEmbeddedPostgres } from '@rollcall/shared/db/embedded/open';

const opened = await openEmbeddedPostgres({ dir: process.argv[2] ?? '', durable: false });
process.stdout.write(`${JSON.stringify({ attached: opened.attached })}\n`);
process.stdin.resume();
process.stdin.once('end', () => void opened.stop());
