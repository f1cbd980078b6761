import { setTimeout as pause } from 'node:timers/promises'
import type { SpawnedPurser } from './purser.ts'
import type { Seeded } from './seeded.ts'
import { until } from './until.ts'

/** So long after its moment a kill may come: in the middle of what that moment set off. */
const LATER_MS = 30

/** Kills Purser at a moment of its work, or shortly after; it stays down until it is restarted. */
export async function killWhen(
  purser: SpawnedPurser,
  random: Seeded,
  isMoment: () => boolean | Promise<boolean>,
): Promise<void> {
  await until(isMoment, { pollMs: 1, story: () => 'Purser never came so far that it was killed' })
  await pause(random.int(LATER_MS))
  await purser.kill('SIGKILL')
}
