import assert from 'node:assert/strict'
import { VERIFY_CHECKS } from '../../src/core/ledger/verify-checks.ts'
import { verifyLedger } from '../../src/core/ledger/verify-ledger.ts'
import type { Books } from './books.ts'

export const CLEAN_CHECKS = VERIFY_CHECKS.map(({ name }) => ({
  name,
  ok: true,
  breaches: [],
  count: 0,
}))

/** Plants a breach in a clean scene and has verify tell of it, in what is new and in all. */
export async function assertNamed<Scene extends { readonly books: Books }>(o: {
  readonly newScene: () => Promise<Scene>
  /** SQL that is run with the guards off. */
  readonly plant: (scene: Scene) => string
  readonly check: string
  readonly says: RegExp
}): Promise<void> {
  const scene = await o.newScene()
  try {
    const { database } = scene.books
    assert.deepEqual((await verifyLedger(database, { all: false })).checks, CLEAN_CHECKS)
    await scene.books.tamper(o.plant(scene))
    for (const all of [false, true]) {
      const result = await verifyLedger(database, { all })
      assert.equal(result.ok, false)
      assert.equal(result.all, all)
      const check = result.checks.find((each) => each.name === o.check)
      assert.ok(check, `no check ${o.check}`)
      assert.equal(check.ok, check.breaches.length === 0)
      assert.ok(
        check.breaches.some((line) => o.says.test(line)),
        `${o.says} is not in ${JSON.stringify(check.breaches)}`,
      )
    }
  } finally {
    await scene.books.close()
  }
}
