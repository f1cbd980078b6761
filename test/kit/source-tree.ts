/** The files of this checkout as text, for tests that look at the code itself. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

const LEFT_OUT = new Set(['.git', 'node_modules', 'data', 'coverage'])
const NOT_TEXT = /\.(png|jpg|jpeg|gif|ico|woff2?|pdf|gz|zst|log)$/

export interface SourceFile {
  /** As `src/core/execute.ts`. */
  readonly path: string
  readonly text: string
}

export interface Import {
  /** A path as of SourceFile, or a package's or built-in's name. */
  readonly target: string
  readonly typeOnly: boolean
}

/** Every text file below `folder`, by path. */
export function filesOf(folder = ''): SourceFile[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => !LEFT_OUT.has(entry.name) && !NOT_TEXT.test(entry.name))
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return filesOf(path)
      return entry.isFile() ? [{ path, text: readFileSync(join(root, path), 'utf8') }] : []
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

const STATIC = /^(?:import|export)\s+(type\s)?[^'"`;]*?from\s+['"]([^'"]+)['"]/gm
const BARE = /^import\s+['"]([^'"]+)['"]/gm
const DYNAMIC = /\bimport\(\s*['"]([^'"]+)['"]/g

export function importsOf(file: SourceFile): Import[] {
  const found: Array<{ name: string; typeOnly: boolean }> = []
  for (const match of file.text.matchAll(STATIC)) {
    found.push({ name: match[2]!, typeOnly: match[1] !== undefined })
  }
  for (const pattern of [BARE, DYNAMIC]) {
    for (const match of file.text.matchAll(pattern)) {
      found.push({ name: match[1]!, typeOnly: false })
    }
  }
  return found.map(({ name, typeOnly }) => ({
    typeOnly,
    target: name.startsWith('.') ? relative(root, join(root, dirname(file.path), name)) : name,
  }))
}

export interface FunctionSpan {
  readonly name: string
  /** The first line, from 1. */
  readonly line: number
  readonly lines: number
}

const DECLARATION = /^(\s*)(?:(?:export|async)\s+)*function\*?\s+(\w+)/
const ARROW = /^(\s*)(?:export\s+)?const (\w+) = (?:async )?(?:\(|<).*=> \{$/
const METHOD = /^(\s+)(?:(?:static|async|get|set)\s+|\*)*(#?\w+)\(.*\{$/
const KEYWORD = /^(if|for|while|switch|catch|with|function|return|describe|it|test|suite)$/

/** Functions and methods. Relies on the formatter: one ends at the brace under its first letter. */
export function functionsOf(file: SourceFile): FunctionSpan[] {
  const lines = file.text.split('\n')
  return lines.flatMap((text, index) => {
    const match = DECLARATION.exec(text) ?? ARROW.exec(text) ?? METHOD.exec(text)
    if (!match || KEYWORD.test(match[2]!)) return []
    const [, indent, name] = match as unknown as [string, string, string]
    const end = lines.findIndex(
      (line, at) => at > index && /^\s*\}/.test(line) && line.startsWith(`${indent}}`),
    )
    return end === -1 ? [] : [{ name, line: index + 1, lines: end - index + 1 }]
  })
}
