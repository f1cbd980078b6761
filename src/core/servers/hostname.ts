import { invalidField } from '../refusal.ts'

const LENGTH_MAX = 253
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/**
 * A fully qualified domain name in small letters, without a dot at its end: at least two labels of
 * letters, digits and hyphens, the last of which is no number. Else refused.
 */
export function checkHostname(text: string, pointer = '/hostname'): string {
  const hostname = text.toLowerCase()
  const labels = hostname.split('.')
  const last = labels.at(-1) ?? ''
  const isName =
    hostname.length <= LENGTH_MAX &&
    labels.length >= 2 &&
    labels.every((label) => LABEL.test(label)) &&
    !/^\d+$/.test(last)
  if (!isName) {
    throw invalidField(pointer, `must be a full host name such as web1.example.com`)
  }
  return hostname
}
