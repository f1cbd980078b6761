import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AFTERMATH_PLANTS } from '../../../test/kit/aftermath-breaches.ts'
import { assertNamed, CLEAN_CHECKS } from '../../../test/kit/assert-named.ts'
import { BILLING_PLANTS } from '../../../test/kit/billing-breaches.ts'
import { newBillingScene } from '../../../test/kit/billing-scene.ts'
import { NOWHERE, PLANTS, transfer } from '../../../test/kit/ledger-breaches.ts'
import { newScene } from '../../../test/kit/ledger-scene.ts'
import { newPartScene, PART_PLANTS } from '../../../test/kit/part-breaches.ts'
import { readTrialBalance } from './trial-balance.ts'
import { VERIFY_CHECKS } from './verify-checks.ts'
import { verifyLedger } from './verify-ledger.ts'

describe('verify names what is wrong, in what is new and in all', () => {
  for (const { plant, ...told } of PLANTS) {
    test(told.breach, () => assertNamed({ newScene, plant, ...told }))
  }

  for (const { plant, ...told } of BILLING_PLANTS) {
    test(told.breach, () => assertNamed({ newScene: newBillingScene, plant, ...told }))
  }

  for (const { plant, ...told } of PART_PLANTS) {
    test(told.breach, () => assertNamed({ newScene: newPartScene, plant, ...told }))
  }

  test('every check has a plant', () => {
    const plants = [...PLANTS, ...BILLING_PLANTS, ...PART_PLANTS, ...AFTERMATH_PLANTS]
    assert.deepEqual(
      [...new Set(plants.map((plant) => plant.check))].toSorted(),
      VERIFY_CHECKS.map((check) => check.name).toSorted(),
    )
  })
})

test('clean books are ok in both ways, and the trial balance says so', async () => {
  const { books } = await newScene()
  try {
    for (const all of [false, false, true, false]) {
      const result = await verifyLedger(books.database, { all })
      assert.deepEqual(result.checks, CLEAN_CHECKS)
      assert.equal(result.ok, true)
    }
    assert.deepEqual(await readTrialBalance(books.database.db), {
      ok: true,
      currencies: [
        { currency: 'SEK', debits: '70.00', credits: '70.00', difference: '0.00' },
        { currency: 'USD', debits: '193.00', credits: '193.00', difference: '0.00' },
      ],
    })
  } finally {
    await books.close()
  }
})

test('the trial balance shows a transfer to nowhere and one between currencies', async () => {
  const { books, anna, sven } = await newScene()
  try {
    await books.tamper(`${transfer({
      from: anna.walletId,
      to: NOWHERE,
      cause: `'order', 77, 0`,
      account: anna.accountId,
    })};
    ${transfer({
      from: sven.walletId,
      to: anna.walletId,
      cause: `'order', 78, 0`,
      account: anna.accountId,
      amount: '250000',
    })}`)
    assert.deepEqual(await readTrialBalance(books.database.db), {
      ok: false,
      currencies: [
        { currency: 'SEK', debits: '70.25', credits: '70.00', difference: '0.25' },
        { currency: 'USD', debits: '197.00', credits: '193.25', difference: '3.75' },
      ],
    })
  } finally {
    await books.close()
  }
})

test('many breaches are counted and the first of them told', async () => {
  const { books } = await newScene()
  try {
    await books.tamper(`insert into event (kind, subject_id, actor_kind, created_at)
      select 'order.placed', g, 'system', now() from generate_series(101, 125) g`)
    const { checks } = await verifyLedger(books.database, { all: false })
    const check = checks.find(({ name }) => name === 'one_event_per_change')
    assert.equal(check?.breaches.length, 20)
    assert.equal(check?.count, 25)
  } finally {
    await books.close()
  }
})
