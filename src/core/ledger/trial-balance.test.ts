import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseAmount } from '../../lib/money.ts'
import { toTrialBalance } from './trial-balance.ts'

test('amounts are exact decimals, however large the sums', () => {
  assert.deepEqual(
    toTrialBalance([{ currency: 'USD', debits: '123456789012345678901', credits: '1' }]),
    {
      ok: false,
      currencies: [
        {
          currency: 'USD',
          debits: '123456789012345.678901',
          credits: '0.000001',
          difference: '123456789012345.6789',
        },
      ],
    },
  )
  assert.deepEqual(toTrialBalance([]), { ok: true, currencies: [] })
})

const sum = fc.bigInt({ min: 0n, max: 10n ** 18n })

test('it is ok exactly where nothing differs, and the difference is what it says', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ debits: sum, credits: fc.option(sum, { nil: null }) }), {
        maxLength: 5,
      }),
      (lines) => {
        const balance = toTrialBalance(
          lines.map(({ debits, credits }) => ({
            currency: 'USD',
            debits: String(debits),
            credits: String(credits ?? debits),
          })),
        )
        const equal = lines.every(({ debits, credits }) => credits === null || credits === debits)
        assert.equal(balance.ok, equal)
        for (const line of balance.currencies) {
          const [debits, credits] = [parseAmount(line.debits), parseAmount(line.credits)]
          assert.ok(debits !== undefined && credits !== undefined)
          const negative = line.difference.startsWith('-')
          const size = parseAmount(negative ? line.difference.slice(1) : line.difference)
          assert.equal(negative ? -(size ?? 0n) : size, debits - credits)
        }
      },
    ),
  )
})
