/** A failure that one sentence explains; `output` is what a tool printed about it. */
export class Complaint extends Error {
  /**
   * @param {string} message
   * @param {string} [output]
   */
  constructor(message, output = '') {
    super(message);
    this.output = output.trim();
  }
}

/** What tools print where a registry cannot be reached. */
export const UNREACHABLE =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|error sending request|dns error|network/i;

/**
 * Says why a package tool failed.
 *
 * @param {string} what what it was about to install
 * @param {string} output what it printed
 */
export function explainInstall(what, output) {
  if (/ENOSPC|EDQUOT|no space left/i.test(output)) {
    return new Complaint(`${what} could not be installed: the disk is full.`);
  }
  if (/EACCES|EROFS|EPERM|permission denied|read-only file system/i.test(output)) {
    return new Complaint(
      `${what} could not be installed: this user may not write to one of the folders named above.`,
      output,
    );
  }
  if (UNREACHABLE.test(output)) {
    return new Complaint(
      `${what} could not be installed: the npm registry cannot be reached; connect this machine, or name a registry with \`npm config set registry URL\`.`,
      process.env.ROLLCALL_VERBOSE ? output : '',
    );
  }
  return new Complaint(`${what} could not be installed: see above.`, output);
}
