import type { OpenApiResponse } from '../../lib/openapi-document.ts'
import { PROBLEMS, type ProblemKind } from './problems.ts'
import { PROBLEM_RESPONSES } from './shapes.ts'

/** The problems that every route of a REST surface declares, written once in its document. */
export const SHARED_PROBLEMS: ReadonlyMap<unknown, string> = new Map([
  [PROBLEM_RESPONSES['4xx'], 'CallerProblem'],
  [PROBLEM_RESPONSES['5xx'], 'ServerProblem'],
])
export const PROBLEM_COMPONENTS = {
  CallerProblem: problem(PROBLEM_RESPONSES['4xx'], 4),
  ServerProblem: problem(PROBLEM_RESPONSES['5xx'], 5),
} as const

function problem(response: { description: string; content: object }, digit: 4 | 5) {
  const { description, content } = response
  return { description: `${description} ${kinds(digit)}.`, content } as OpenApiResponse
}

/** The kinds of problems whose status begins with `digit`, as one text. */
function kinds(digit: 4 | 5): string {
  const found = new Map<string, ProblemKind>()
  for (const kind of Object.values(PROBLEMS)) {
    if (Math.floor(kind.status / 100) === digit) found.set(kind.code, kind)
  }
  return [...found.values()]
    .sort((a, b) => a.status - b.status)
    .map(({ status, code }) => `${status} \`${code}\``)
    .join(', ')
}
