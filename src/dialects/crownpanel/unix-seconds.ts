/** An instant as this API writes it: whole seconds since 1970, as text. */
export function unixSeconds(instant: Date): string {
  return String(Math.floor(instant.getTime() / 1000))
}
