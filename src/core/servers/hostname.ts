import { invalidField } from '../refusal.ts'

const LENGTH_MAX = 253
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/**
 * A host name in small letters, without a dot at its end: labels of letters, digits and hyphens,
 * the last of which is no number. One label alone is a name too, as ubuntu-2gb. Else refused.
 */
export function checkHostname(text: string, pointer = '/hostname'): string {
  const hostname = text.toLowerCase()
  const labels = hostname.split('.')
  const last = labels.at(-1) ?? ''
  const isName =
    hostname.length <= LENGTH_MAX &&
    labels.every((label) => LABEL.test(label)) &&
    !/^\d+$/.test(last)
  if (!isName) {
    throw invalidField(pointer, 'must be a host name such as web1.example.com')
  }
  return hostname
}
