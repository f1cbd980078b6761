import { invalidField, type Refusal } from './refusal.ts'

/** A control character; a null byte is one. */
const CONTROL_CHARACTER = /\p{Cc}/u
const EMAIL_SHAPE = /^[^\s@]+@[^\s@]+$/u
const EMAIL_LENGTH_MAX = 254

/** One line of text without surrounding spaces, 1 to `lengthMax` characters; else refused. */
export function checkLine(text: string, o: { pointer: string; lengthMax: number }): string {
  const line = text.trim()
  if (line === '' || line.length > o.lengthMax) {
    throw invalidField(o.pointer, `must be 1 to ${o.lengthMax} characters`)
  }
  if (CONTROL_CHARACTER.test(line) || !isText(line)) throw notText(o.pointer)
  return line
}

/** Text of several lines, up to `lengthMax` characters, possibly empty. */
export function checkText(text: string, o: { pointer: string; lengthMax: number }): string {
  if (text.length > o.lengthMax) {
    throw invalidField(o.pointer, `must be at most ${o.lengthMax} characters`)
  }
  if (!isText(text)) throw notText(o.pointer)
  return text
}

/** A control character other than tab, line feed and carriage return. */
const CONTROL_BESIDE_LINES = /[^\P{Cc}\t\n\r]/u

/**
 * Whether `text` can be kept and shown: no control characters but those of lines and tabs, and no
 * half of a surrogate pair. PostgreSQL refuses a null byte and what is no Unicode.
 */
export function isText(text: string): boolean {
  return !CONTROL_BESIDE_LINES.test(text) && text.isWellFormed()
}

/** An e-mail address as far as its shape tells. */
export function checkEmail(text: string, pointer = '/email'): string {
  const email = checkLine(text, { pointer, lengthMax: EMAIL_LENGTH_MAX })
  if (!EMAIL_SHAPE.test(email)) throw invalidField(pointer, 'must be an e-mail address')
  return email
}

function notText(pointer: string): Refusal {
  return invalidField(pointer, 'contains a character that is not text')
}
