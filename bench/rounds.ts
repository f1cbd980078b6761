import type { Bench } from './bench.ts'
import { progress, type Round } from './report.ts'

export interface Contestant {
  readonly line: string
  ask(seconds: number): Promise<Round>
}

const WARM_UP_SECONDS = 3

/**
 * Lets each warm up, then measures all of them in every round: there and back, so that what comes
 * later is not always the same.
 */
export async function alternate(bench: Bench, contestants: readonly Contestant[]): Promise<void> {
  const { rounds, seconds } = bench.options
  for (const { ask } of contestants) await ask(WARM_UP_SECONDS)
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round + 1} of ${rounds}`)
    for (const { line, ask } of round % 2 === 0 ? contestants : contestants.toReversed()) {
      bench.report.add(line, await ask(seconds))
    }
  }
}
