/** What every gateway of saved cards has to pass. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CardGateway, ChargeRequest } from '../../src/core/billing/paying/card-gateway.ts'

export interface CardsUnderTest {
  readonly gateway: CardGateway
  /** A charge that the gateway would make, under a number not used before. */
  newCharge(): ChargeRequest
  /** How often, and how much in all, the gateway has taken under a number. */
  taken(chargeId: bigint): Promise<{ times: number; amountMicros: bigint }>
}

/** `subject` is asked for inside each test, so that a suite can open its database first. */
export function cardContract(name: string, subject: () => CardsUnderTest): void {
  test(`${name}: a charge is made once, however often it is asked for`, async () => {
    const { gateway, newCharge, taken } = subject()
    const charge = newCharge()
    assert.deepEqual(await gateway.charge(charge), { kind: 'charged' })
    assert.deepEqual(await gateway.charge(charge), { kind: 'charged' })
    const answers = await Promise.all([1, 2, 3].map(() => gateway.charge(charge)))
    for (const answer of answers) assert.equal(answer.kind, 'charged')
    const once = { times: 1, amountMicros: charge.amountMicros }
    assert.deepEqual(await taken(charge.chargeId), once)
  })

  test(`${name}: charges with numbers of their own are made each`, async () => {
    const { gateway, newCharge, taken } = subject()
    const charges = [newCharge(), newCharge(), newCharge()]
    await Promise.all(charges.map((charge) => gateway.charge(charge)))
    for (const { chargeId, amountMicros } of charges) {
      assert.deepEqual(await taken(chargeId), { times: 1, amountMicros })
    }
  })
}
