// Where the commands look for it; what is stored of strangers' texts is escaped likewise.
export { printable } from '@rollcall/shared/core/printable';
