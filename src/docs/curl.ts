/** A request that a curl line makes. */
export interface CurlRequest {
  readonly url: string
  readonly method: string
  /** With an operator's key, a customer's key, or a session. */
  readonly auth?: 'bearer' | 'customer' | 'cookie'
  readonly json?: unknown
  readonly form?: Readonly<Record<string, string | number>>
}

/** A line to paste into a shell; what is the reader's own stands in capitals. */
export function curlOf({ url, method, auth, json, form }: CurlRequest): string {
  const words = [
    `curl ${quoted(url.replaceAll(/\{(\w+)\}/g, (_, name: string) => name.toUpperCase()))}`,
  ]
  if (form === undefined && method !== (json === undefined ? 'get' : 'post')) {
    words.push(`-X ${method.toUpperCase()}`)
  }
  if (auth === 'bearer') words.push("-H 'Authorization: Bearer YOUR_OPERATOR_KEY'")
  if (auth === 'customer') words.push("-H 'Authorization: Bearer YOUR_API_KEY'")
  if (auth === 'cookie') words.push('-b cookies.txt')
  if (json !== undefined) {
    words.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(json))}`)
  }
  for (const [name, value] of Object.entries(form ?? {})) {
    const text = String(value)
    const flag = /^[\w.,-]*$/.test(text) ? '-d' : '--data-urlencode'
    words.push(`${flag} ${quoted(`${name}=${text}`)}`)
  }
  return words.join(' \\\n  ')
}

/** As a shell takes it: `$'…'` where a line ends within it. */
function quoted(text: string): string {
  if (/^[\w.,:/=-]+$/.test(text)) return text
  if (text.includes('\n')) {
    return `$'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`
  }
  return `'${text.replaceAll("'", `'\\''`)}'`
}
