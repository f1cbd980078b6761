import { RE2JS } from 're2js'
import { invalidField } from '../refusal.ts'

const PATTERN_LENGTH_MAX = 500
/** How many patterns are kept compiled: an operator has few, whatever the number of services. */
const COMPILED_MAX = 1_000

const compiled = new Map<string, RE2JS>()

/**
 * Whether `pattern`, which is RE2, is found in `link`. It takes time in proportion to the link,
 * whatever the pattern: no customer's text can make it hang.
 */
export function matchesLinkPattern(pattern: string, link: string): boolean {
  let re2 = compiled.get(pattern)
  if (re2 === undefined) {
    re2 = RE2JS.compile(pattern)
    if (compiled.size >= COMPILED_MAX) compiled.clear()
    compiled.set(pattern, re2)
  }
  return re2.matcher(link).find()
}

/** Refuses what is no RE2. An empty one is none. */
export function checkLinkPattern(text: string | null, pointer = '/link_pattern'): string | null {
  const pattern = text?.trim() ?? ''
  if (pattern === '') return null
  if (pattern.length > PATTERN_LENGTH_MAX) {
    throw invalidField(pointer, `must be at most ${PATTERN_LENGTH_MAX} characters`)
  }
  try {
    RE2JS.compile(pattern)
  } catch {
    throw invalidField(pointer, 'is no RE2 pattern: it has neither look-around nor back-references')
  }
  return pattern
}
