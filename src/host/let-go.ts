/** Uses something and lets it go again, whatever happens. Node 22 knows no `await using`. */
export async function letGo<H extends AsyncDisposable | undefined, T>(
  held: H,
  use: (held: H) => Promise<T>,
): Promise<T> {
  try {
    return await use(held);
  } finally {
    await held?.[Symbol.asyncDispose]();
  }
}
