import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'

/** Also on a machine that is busy with something else. */
const WITHIN_MS = 200_000

/** Waits until it is so; where it never is, `story` says in the failure how it stands. */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  o: { pollMs: number; story: () => string },
): Promise<void> {
  const deadline = Date.now() + WITHIN_MS
  while (!(await isSo())) {
    assert.ok(Date.now() < deadline, o.story())
    await pause(o.pollMs)
  }
}
