import { invalidField } from './refusal.ts'

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
  checkCharacters(line, o.pointer, CONTROL_CHARACTER)
  return line
}

const CONTROL_BESIDE_LINES = /[^\P{Cc}\t\n\r]/u

/** Text of several lines, up to `lengthMax` characters, possibly empty. */
export function checkText(text: string, o: { pointer: string; lengthMax: number }): string {
  if (text.length > o.lengthMax) {
    throw invalidField(o.pointer, `must be at most ${o.lengthMax} characters`)
  }
  checkCharacters(text, o.pointer, CONTROL_BESIDE_LINES)
  return text
}

/** An e-mail address as far as its shape tells. */
export function checkEmail(text: string, pointer = '/email'): string {
  const email = checkLine(text, { pointer, lengthMax: EMAIL_LENGTH_MAX })
  if (!EMAIL_SHAPE.test(email)) throw invalidField(pointer, 'must be an e-mail address')
  return email
}

function checkCharacters(text: string, pointer: string, refused: RegExp): void {
  if (refused.test(text) || !text.isWellFormed()) {
    throw invalidField(pointer, 'contains a character that is not text')
  }
}
