/** What every delivery driver has to pass. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type {
  CancelAnswer,
  DeliveryDriver,
  DeliveryRequest,
} from '../../src/core/orders/delivery-driver.ts'

export interface DeliveryUnderTest {
  readonly driver: DeliveryDriver
  /** An order that the provider would take, with an id not used before. */
  newRequest(): DeliveryRequest
  /** Lets the provider's time pass until `ref` has been delivered in full. */
  complete(ref: string): Promise<void>
}

/** `subject` is asked for inside each test, so that a suite can open its database first. */
export function deliveryContract(name: string, subject: () => DeliveryUnderTest): void {
  test(`${name}: an order is taken once, however often it is handed over`, async () => {
    const { driver, newRequest } = subject()
    const request = newRequest()
    const ref = await accepted(driver, request)
    assert.equal(await accepted(driver, request), ref)
    const answers = await Promise.all([1, 2, 3].map(() => accepted(driver, request)))
    assert.deepEqual(new Set(answers), new Set([ref]))
  })

  test(`${name}: many orders are answered each by its id`, async () => {
    const { driver, newRequest } = subject()
    const requests = Array.from({ length: 200 }, newRequest)
    const answers = await driver.submit(requests)
    const refs = new Set<string>()
    for (const { orderId } of requests) {
      const answer = answers.get(orderId)
      assert.equal(answer?.kind, 'accepted')
      refs.add(answer.ref)
    }
    assert.equal(refs.size, requests.length)
    const statuses = await driver.status([...refs])
    for (const ref of refs) assert.equal(statuses.get(ref)?.kind, 'known')
  })

  test(`${name}: what runs has remains between nothing and all`, async () => {
    const { driver, newRequest } = subject()
    const request = newRequest()
    const status = await known(driver, await accepted(driver, request))
    assert.ok(status.state === 'pending' || status.state === 'in_progress', status.state)
    if (status.remains !== null) {
      assert.ok(status.remains >= 0n && status.remains <= request.quantity)
    }
  })

  test(`${name}: what is delivered is completed with nothing left`, async () => {
    const { driver, newRequest, complete } = subject()
    const ref = await accepted(driver, newRequest())
    await complete(ref)
    const status = await known(driver, ref)
    assert.equal(status.state, 'completed')
    assert.ok(status.remains === 0n || status.remains === null)
  })

  test(`${name}: a canceled delivery stays canceled and says what was not delivered`, async () => {
    const { driver, newRequest } = subject()
    const request = newRequest()
    const ref = await accepted(driver, request)
    const first = await canceled(driver, ref)
    assert.ok(first.remains >= 0n && first.remains <= request.quantity)
    assert.deepEqual(await canceled(driver, ref), first)
    assert.equal(await accepted(driver, request), ref)
    const status = await known(driver, ref)
    assert.equal(status.state, 'canceled')
    if (status.remains !== null) assert.equal(status.remains, first.remains)
  })

  test(`${name}: what has been delivered cannot be canceled`, async () => {
    const { driver, newRequest, complete } = subject()
    const ref = await accepted(driver, newRequest())
    await complete(ref)
    assert.equal((await driver.cancel([ref])).get(ref)?.kind, 'refused')
    assert.equal((await known(driver, ref)).state, 'completed')
  })

  test(`${name}: an unknown ref spoils nothing for its neighbours`, async () => {
    const { driver, newRequest } = subject()
    const ref = await accepted(driver, newRequest())
    const stranger = `${ref}0000000`
    const statuses = await driver.status([stranger, ref])
    assert.equal(statuses.get(ref)?.kind, 'known')
    assert.notEqual(statuses.get(stranger)?.kind, 'known')
    const cancels = await driver.cancel([stranger, ref])
    assert.equal(cancels.get(ref)?.kind, 'canceled')
    assert.notEqual(cancels.get(stranger)?.kind, 'canceled')
  })

  test(`${name}: a refill is taken once for what was delivered, and can be followed`, async () => {
    const { driver, newRequest, complete } = subject()
    const { orderId, ...request } = newRequest()
    const orderRef = await accepted(driver, { orderId, ...request })
    await complete(orderRef)
    const asked = { refillId: orderId, orderId, orderRef }
    const [first] = await driver.refill([asked])
    assert.equal(first?.kind, 'accepted')
    assert.deepEqual(await driver.refill([asked]), [first])
    const stranger = `${first.ref}0000000`
    const statuses = await driver.refillStatus([stranger, first.ref])
    assert.equal(statuses.get(first.ref)?.kind, 'known')
    assert.notEqual(statuses.get(stranger)?.kind, 'known')
  })

  test(`${name}: refills are answered in the order asked, whatever one is`, async () => {
    const { driver, newRequest, complete } = subject()
    const { orderId, ...request } = newRequest()
    const orderRef = await accepted(driver, { orderId, ...request })
    await complete(orderRef)
    const strange = { refillId: orderId, orderId: orderId + 1n, orderRef: `${orderRef}0000000` }
    const answers = await driver.refill([strange, { refillId: orderId, orderId, orderRef }])
    assert.equal(answers.length, 2)
    assert.notEqual(answers[0]?.kind, 'accepted')
    assert.equal(answers[1]?.kind, 'accepted')
  })

  test(`${name}: nothing asked is nothing answered`, async () => {
    const { driver } = subject()
    assert.equal((await driver.submit([])).size, 0)
    assert.equal((await driver.status([])).size, 0)
    assert.equal((await driver.cancel([])).size, 0)
    assert.deepEqual(await driver.refill([]), [])
    assert.equal((await driver.refillStatus([])).size, 0)
  })
}

async function accepted(driver: DeliveryDriver, request: DeliveryRequest): Promise<string> {
  const answer = (await driver.submit([request])).get(request.orderId)
  assert.equal(answer?.kind, 'accepted')
  return answer.ref
}

async function known(driver: DeliveryDriver, ref: string) {
  const status = (await driver.status([ref])).get(ref)
  assert.equal(status?.kind, 'known')
  return status
}

async function canceled(
  driver: DeliveryDriver,
  ref: string,
): Promise<Extract<CancelAnswer, { kind: 'canceled' }>> {
  const answer = (await driver.cancel([ref])).get(ref)
  assert.equal(answer?.kind, 'canceled')
  return answer
}
