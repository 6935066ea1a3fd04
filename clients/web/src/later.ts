// Libraries that most panels can do without: they run when the first block needs them. They are in the same file.

/** What `load` brings, asked for once. */
export class Later<T> {
  private found: T | undefined;
  private coming: Promise<void> | undefined;

  constructor(private readonly load: () => Promise<T>) {}

  /** Call `use` with it: at once where it is there, else as soon as it has come. */
  with(use: (found: T) => void): void {
    if (this.found !== undefined) {
      use(this.found);
      return;
    }
    this.coming ??= this.load().then((found) => {
      this.found = found;
    });
    this.coming.then(
      () => this.found !== undefined && use(this.found),
      () => {
        this.coming = undefined; // the host is gone for the moment; the next update asks again
      },
    );
  }
}
