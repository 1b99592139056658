/** Told which part could not be closed, and why. */
export type CloseFailure = (name: string, error: unknown) => void;

/** What was opened, to be closed in reverse order, each once. */
export class Closers {
  readonly #stack: { readonly name: string; readonly close: () => unknown }[] = [];
  #closing: Promise<void> | undefined;

  add(name: string, close: () => unknown): void {
    this.#stack.push({ name, close });
  }

  /** Closes everything. One that fails is reported, and the others are closed all the same. */
  close(onFailure: CloseFailure): Promise<void> {
    this.#closing ??= this.#closeAll(onFailure);
    return this.#closing;
  }

  async #closeAll(onFailure: CloseFailure): Promise<void> {
    for (const { name, close } of this.#stack.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        onFailure(name, error);
      }
    }
  }
}
