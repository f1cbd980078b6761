import type { CpuSeconds } from './processes.ts'

/** One measured round of one line. Latencies only where the tool tells them. */
export interface Round {
  readonly perSecond: number
  readonly count: number
  readonly seconds: number
  readonly p50Ms?: number
  readonly p99Ms?: number
  readonly cpu: CpuSeconds
}

export interface Target {
  readonly name: string
  /** Undefined: a line that it needs was left out. */
  readonly value: number | undefined
  readonly digits: number
  readonly unit: string
  readonly least?: number
  readonly most?: number
}

/** Collects what was measured, prints it once. Lines and rounds keep the order they came in. */
export class Report {
  readonly #title: string
  readonly #facts: string[] = []
  readonly #lines = new Map<string, Round[]>()
  readonly #notes: string[] = []
  readonly #targets: Target[] = []
  readonly #problems: string[] = []

  constructor(title: string) {
    this.#title = title
  }

  /** Something about the machine or the run, above the table. */
  fact(text: string): void {
    this.#facts.push(text)
  }

  /** Something to know about the figures, below the table. */
  note(text: string): void {
    this.#notes.push(text)
  }

  /** Something that must not be: the run has failed, whatever its figures say. */
  problem(text: string): void {
    this.#problems.push(text)
    progress(`WRONG: ${text}`)
  }

  get failed(): boolean {
    return this.#problems.length > 0
  }

  add(line: string, round: Round): void {
    const rounds = this.#lines.get(line) ?? []
    rounds.push(round)
    this.#lines.set(line, rounds)
    progress(`${line}: ${whole(round.perSecond)}/s`)
  }

  target(target: Target): void {
    this.#targets.push(target)
  }

  /** The median of the rounds of `line`, or undefined where it was left out. */
  median(line: string, of: (round: Round) => number | undefined): number | undefined {
    const values = (this.#lines.get(line) ?? []).flatMap((round) => of(round) ?? [])
    return values.length === 0 ? undefined : median(values)
  }

  perSecond(line: string): number | undefined {
    return this.median(line, (round) => round.perSecond)
  }

  /** Of two lines' medians; undefined where one was left out. */
  ratio(line: string, other: string): number | undefined {
    const [a, b] = [this.perSecond(line), this.perSecond(other)]
    return a === undefined || b === undefined ? undefined : a / b
  }

  print(): void {
    const parts = [`\n${this.#title}`, ...this.#facts.map((fact) => `  ${fact}`), '']
    parts.push(table(this.#rows()), '')
    parts.push(...this.#notes.map((note) => `  ${note}`))
    if (this.#targets.length > 0) parts.push('', table(this.#targetRows()))
    parts.push('', ...this.#problems.map((problem) => `WRONG: ${problem}`))
    parts.push(this.failed ? 'FAILED: see above.' : 'Everything asked for was done and is right.')
    process.stdout.write(`${parts.join('\n')}\n`)
  }

  #rows(): string[][] {
    const head = ['median of rounds', 'per second', 'least to most', 'p50 ms', 'p99 ms']
    const rows = [[...head, 'CPU us each: node', 'postgres', 'load', 'cores busy']]
    for (const [line, rounds] of this.#lines) {
      const rates = rounds.map((round) => round.perSecond)
      const each = (of: (cpu: CpuSeconds) => number) =>
        whole(median(rounds.map((round) => (of(round.cpu) * 1e6) / round.count)))
      const latency = (of: (round: Round) => number | undefined) => {
        const value = this.median(line, of)
        return value === undefined ? '' : value.toFixed(1)
      }
      rows.push([
        line,
        whole(median(rates)),
        `${whole(Math.min(...rates))} to ${whole(Math.max(...rates))}`,
        latency((round) => round.p50Ms),
        latency((round) => round.p99Ms),
        each((cpu) => cpu.node),
        each((cpu) => cpu.postgres),
        each((cpu) => cpu.load),
        median(rounds.map(coresBusy)).toFixed(2),
      ])
    }
    return rows
  }

  #targetRows(): string[][] {
    const rows = [['target', 'asked', 'measured', '']]
    for (const { name, value, digits, unit, least, most } of this.#targets) {
      const asked = least === undefined ? `<= ${most}` : `>= ${least}`
      const reached =
        value !== undefined &&
        (least === undefined || value >= least) &&
        (most === undefined || value <= most)
      rows.push([
        name,
        `${asked}${unit}`,
        value === undefined ? 'left out' : `${value.toFixed(digits)}${unit}`,
        value === undefined ? '' : reached ? 'reached' : 'NOT reached',
      ])
    }
    return rows
  }
}

function coresBusy({ cpu, seconds }: Round): number {
  return (cpu.node + cpu.postgres + cpu.load) / seconds
}

/** What is going on, for who waits; not part of the result. */
export function progress(text: string): void {
  process.stderr.write(`  ${new Date().toISOString().slice(11, 19)}  ${text}\n`)
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const [low = Number.NaN, high = Number.NaN] = [sorted[middle - 1], sorted[middle]]
  return sorted.length % 2 === 1 ? high : (low + high) / 2
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** The first column to the left, the others to the right. */
function table(rows: readonly string[][]): string {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => row[at]?.length ?? 0)),
  )
  return rows
    .map((row) =>
      row
        .map((cell, at) => {
          const width = widths[at] ?? 0
          return at === 0 ? cell.padEnd(width) : cell.padStart(width)
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
