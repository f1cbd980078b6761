import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Post } from '../delivery-driver.ts'
import { changeBy, isTerminal } from '../order.ts'
import { expiryOf, type PartPlan, readPartPlan } from './part-plan.ts'
import { type PartSum, quantityOf, unfold, type Whole } from './unfolding.ts'

const CREATED = new Date('2026-03-01T12:00:00Z')
const NO_PARTS: PartSum = {
  made: 0,
  open: 0,
  failed: 0,
  delivered: 0n,
  taken: false,
  startCount: null,
  lastMadeAt: null,
}

function wholeOf(quantity: bigint, charge: bigint): Whole {
  return {
    id: 17n,
    link: 'https://shop.example',
    createdAt: CREATED,
    pausedAt: null,
    cancelRequestedAt: null,
    state: 'pending',
    quantity,
    charge,
    refunded: 0n,
    remains: quantity,
    startCount: null,
  }
}

const after = (minutes: number) => new Date(CREATED.getTime() + minutes * 60_000)

describe('what an order in parts says of its parts', () => {
  it('a drip-feed: equal runs with the params of its type', () => {
    const params = { keywords: ['a'], runs: '3', interval: '30' }
    assert.deepEqual(readPartPlan({ params, quantity: 300n }), {
      kind: 'drip',
      runs: 3,
      intervalMs: 1_800_000,
      runQuantity: 100n,
      params: { keywords: ['a'] },
    })
    const bare = readPartPlan({ params: { runs: '2', interval: '1' }, quantity: 2n })
    assert.equal(bare.kind === 'drip' && bare.params, null)
  })

  it('posts: until the end of a day where the account is', () => {
    const params = { username: 'anna', min: '1', max: '9', delay: '2', posts: '4', old_posts: '1' }
    const plan = readPartPlan({ params: { ...params, expiry: '2026-03-29' }, quantity: 36n })
    assert.deepEqual(plan, {
      kind: 'posts',
      username: 'anna',
      min: 1n,
      max: 9n,
      step: 1n,
      delayMs: 120_000,
      posts: 4,
      oldPosts: 1,
      expiry: '2026-03-29',
    })
    assert.equal(expiryOf(plan, 'Europe/Sofia')?.toISOString(), '2026-03-29T21:00:00.000Z')
    assert.equal(expiryOf(plan, 'UTC')?.toISOString(), '2026-03-30T00:00:00.000Z')
    assert.equal(expiryOf(readPartPlan({ params, quantity: 36n }), 'UTC'), null)
  })

  it('anything else is a mistake of ours', () => {
    for (const params of [null, {}, { runs: 'x', interval: '1' }, { username: 'a', min: '-1' }]) {
      assert.throws(() => readPartPlan({ params, quantity: 1n }))
    }
  })
})

describe('a drip-feed', () => {
  const outcome = fc.record({
    state: fc.constantFrom('completed', 'partial', 'canceled', 'failed'),
    permille: fc.integer({ min: 0, max: 1_000 }),
  })

  it('ends with what its runs delivered, the rest refunded, and never too early', () => {
    fc.assert(
      fc.property(
        fc.array(outcome, { minLength: 1, maxLength: 20 }),
        fc.bigInt({ min: 1n, max: 10_000n }),
        fc.bigInt({ min: 0n, max: 10n ** 12n }),
        (outcomes, runQuantity, charge) => {
          const whole = wholeOf(runQuantity * BigInt(outcomes.length), charge)
          const plan: PartPlan = {
            kind: 'drip',
            runs: outcomes.length,
            intervalMs: 60_000,
            runQuantity,
            params: null,
          }
          let sum = NO_PARTS
          for (const [at, { state, permille }] of outcomes.entries()) {
            const step = { whole, plan, expiresAt: null, now: after(at), seen: null }
            const before = unfold({ ...step, sum })
            if (isTerminal(before.report.state)) break
            assert.deepEqual(
              before.parts.map((part) => [part.part, part.quantity]),
              [[at + 1, runQuantity]],
            )
            const share = (runQuantity * BigInt(permille)) / 1_000n
            const said = state === 'completed' ? runQuantity : state === 'failed' ? 0n : share
            sum = {
              ...sum,
              made: at + 1,
              failed: sum.failed + (state === 'failed' ? 1 : 0),
              delivered: sum.delivered + said,
              lastMadeAt: after(at),
            }
          }
          const end = unfold({
            whole,
            plan,
            sum,
            expiresAt: null,
            now: after(outcomes.length),
            seen: null,
          })
          assert.deepEqual(end.parts, [])
          const change = changeBy(whole, end.report)
          assert.ok(change !== undefined && isTerminal(change.state))
          const remains = whole.quantity - sum.delivered
          assert.equal(change.remains, remains)
          assert.equal(change.refund, (charge * remains) / whole.quantity)
          assert.equal(change.state === 'completed', remains === 0n)
        },
      ),
    )
  })

  it('is looked at again when its next run is due, and not before while nothing runs', () => {
    const plan: PartPlan = {
      kind: 'drip',
      runs: 3,
      intervalMs: 5 * 60_000,
      runQuantity: 1n,
      params: null,
    }
    const sum = { ...NO_PARTS, made: 1, delivered: 1n, lastMadeAt: CREATED }
    const step = { whole: wholeOf(3n, 3n), plan, sum, expiresAt: null, seen: null }
    assert.deepEqual(unfold({ ...step, now: after(1) }).lookAt, after(5))
    const running = unfold({ ...step, sum: { ...sum, open: 1, delivered: 0n }, now: after(1) })
    assert.ok(running.lookAt < after(2))
    const paused = { ...step.whole, pausedAt: CREATED }
    assert.deepEqual(unfold({ ...step, whole: paused, now: after(6) }).parts, [])
  })
})

describe('an order that follows posts', () => {
  const plan: PartPlan = {
    kind: 'posts',
    username: 'anna',
    min: 5n,
    max: 10n,
    step: 1n,
    delayMs: 60_000,
    posts: 3,
    oldPosts: 1,
    expiry: null,
  }
  const step = { whole: wholeOf(30n, 30n), plan, sum: NO_PARTS, expiresAt: null, now: after(10) }

  function posts(...minutes: number[]): Post[] {
    return minutes.map((minute) => ({
      ref: `p${minute}`,
      link: `https://posts.example/${minute}`,
      postedAt: after(minute),
    }))
  }
  const refs = (seen: { posts: Post[]; first: boolean } | null, o: object = {}) =>
    unfold({ ...step, ...o, seen }).parts.map((part) => part.postRef)

  it('takes the newest old posts at the first reading, and new ones always', () => {
    assert.deepEqual(refs({ posts: posts(-3, -2, 1), first: true }), ['p-2', 'p1'])
    assert.deepEqual(refs({ posts: posts(-3, -2, 1), first: false }), ['p1'])
    assert.deepEqual(refs({ posts: posts(1, 2, 3, 4), first: true }), ['p1', 'p2', 'p3'])
    assert.deepEqual(refs(null), [])
    assert.deepEqual(refs({ posts: posts(1), first: true }, { sum: { ...NO_PARTS, made: 3 } }), [])
  })

  it('ends with its expiry, once the last reading has come or does not come for an hour', () => {
    const late = { expiresAt: after(5) }
    assert.deepEqual(refs({ posts: posts(4, 6), first: false }, late), ['p4'])
    const silent = (minutes: number) =>
      unfold({ ...step, ...late, seen: null, now: after(minutes) }).report.state
    assert.deepEqual([silent(6), silent(64), silent(65)], ['pending', 'pending', 'canceled'])
    const read = unfold({ ...step, ...late, seen: { posts: [], first: false } })
    assert.equal(read.report.state, 'canceled')
  })

  it('gives each post between min and max, the same each time', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 9n }), fc.nat(10_000), (id, part) => {
        const quantity = quantityOf({ min: 5n, max: 10n, step: 1n }, id, part)
        assert.ok(quantity >= 5n && quantity <= 10n)
        assert.equal(quantityOf({ min: 5n, max: 10n, step: 1n }, id, part), quantity)
      }),
    )
    const seen = new Set(Array.from({ length: 100 }, (_, part) => quantityOf(plan, 1n, part)))
    assert.equal(seen.size, 6)
  })

  it('gives each post a multiple of the step, each that there is', () => {
    const some = fc.bigInt({ min: 1n, max: 500n })
    fc.assert(
      fc.property(some, some, some, fc.nat(10_000), (step, times, slack, part) => {
        // A multiple of the step, and up to as much below and above it.
        const [min, max] = [step * times - (slack % step), step * times + (slack % step)]
        const quantity = quantityOf({ min, max, step }, 1n, part)
        assert.ok(quantity >= min && quantity <= max && quantity % step === 0n, `${quantity}`)
      }),
    )
    const of = (min: bigint, max: bigint) => {
      const parts = Array.from({ length: 100 }, (_, part) => part)
      const given = parts.map((part) => quantityOf({ min, max, step: 10n }, 1n, part))
      return [...new Set(given)].toSorted((a, b) => Number(a - b))
    }
    assert.deepEqual(of(20n, 40n), [20n, 30n, 40n])
    assert.deepEqual(of(15n, 49n), [20n, 30n, 40n])
    assert.deepEqual(of(95n, 105n), [100n])
  })

  it('keeps to the step that its service had when it was placed', () => {
    const params = { username: 'anna', min: '20', max: '40', posts: '3', step: '10' }
    const kept = readPartPlan({ params, quantity: 120n })
    assert.equal(kept.kind === 'posts' && kept.step, 10n)
  })
})
