import { parseAmount } from '../../../lib/money.ts'

/** What upstreams write, read whichever way they write it. Numbers come as text. */

type Fields = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const ID = /^[A-Za-z0-9][\w.:-]{0,99}$/
const NO_ID = new Set(['0', 'true', 'false', 'null', 'undefined', 'success', 'error', 'ok'])

/** What something is called at the upstream; undefined where this is no name. */
export function readRef(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const ref = value.trim()
  return ID.test(ref) && !NO_ID.has(ref.toLowerCase()) ? ref : undefined
}

/** A count: a whole number, not below 0; null where none is said. Fractions are cut off. */
export function readCount(value: unknown): bigint | null {
  if (typeof value !== 'string') return null
  const match = /^(-?)(\d{1,18})(?:\.\d*)?$/.exec(value.trim())
  if (!match) return null
  return match[1] === '-' ? 0n : BigInt(match[2] ?? '0')
}

/** An amount in micros, cut off after the millionth unless rounded up; undefined: it is none. */
export function readAmount(value: unknown, rounded: 'up' | 'down'): bigint | undefined {
  if (typeof value !== 'string') return undefined
  const text = value.trim().replace(/^\+/, '')
  const match = /^(-?)(\d*)(?:\.(\d*))?$/.exec(plain(text))
  if (!match || (match[2] === '' && (match[3] ?? '') === '')) return undefined
  const fraction = match[3] ?? ''
  const micros = parseAmount(`${match[2] || '0'}.${fraction.slice(0, 6).padEnd(1, '0')}`)
  if (micros === undefined) return undefined
  if (match[1] === '-') return -micros
  return rounded === 'up' && /[1-9]/.test(fraction.slice(6)) ? micros + 1n : micros
}

/** Without an exponent, as some write very small rates. */
function plain(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?e([+-]?\d{1,2})$/i.exec(text)
  if (!match) return text
  const [, sign, whole = '', fraction = '', power] = match
  const digits = whole + fraction
  const point = whole.length + Number(power)
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  return `${sign}${digits.slice(0, point).padEnd(point, '0')}.${digits.slice(point)}`
}

/** True, "true", "1", "yes". */
export function readFlag(value: unknown): boolean {
  return value === true || (typeof value === 'string' && /^(true|1|yes)$/i.test(value.trim()))
}

const REASON_LENGTH_MAX = 200

/** What an upstream gives as its reason for a no; undefined where it says no no. */
export function readError(body: unknown): string | undefined {
  if (!isObject(body)) return undefined
  for (const said of [body.error, body.errors]) {
    const text = textWithin(said)
    if (text !== undefined) return reason(text)
  }
  const failed = body.error === true || body.success === false || saysFailure(body.status)
  if (failed) return reason(textWithin(body.message) ?? textWithin(body.msg) ?? 'no reason given')
  return undefined
}

function saysFailure(status: unknown): boolean {
  if (status === false) return true
  return typeof status === 'string' && /^(fail|failed|failure|error|false)$/i.test(status)
}

function textWithin(value: unknown): string | undefined {
  if (typeof value === 'string') return value.trim() === '' ? undefined : value
  if (Array.isArray(value)) return value.map(textWithin).find((text) => text !== undefined)
  if (!isObject(value)) return undefined
  const named = textWithin(value.message)
  return named ?? textWithin(Object.values(value))
}

/** One line that a log, a notice or an operator can be shown. */
function reason(text: string): string {
  const line = text.replace(/[\p{Cc}\s]+/gu, ' ').trim()
  return line.toWellFormed().slice(0, REASON_LENGTH_MAX)
}
