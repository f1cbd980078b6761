/** The source pages' requests, sent to the demo shop as it is after its first start. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { readAnswer } from '../kit/answer.ts'
import { assertDocumented } from '../kit/documented.ts'
import { assertBooksBalance, startTestPurser } from '../kit/purser.ts'

const purser = await startTestPurser()
after(() => purser.stop())
const [unpaid, running, suspended, others] = purser.demo.servers
const [first, second] = purser.demo.customers

function renewService(vmid: string | undefined): Promise<{ status: number; json: unknown }> {
  return purser.crownpanel({ QUERY: 'renew_service', VMID: vmid ?? '' })
}

async function balance(): Promise<string> {
  const { json } = await purser.admin('GET', `/accounts/${first?.id}`)
  return (json as { balance: string }).balance
}

test("CrownPanel: the customer's servers show four answers, and one renewal takes 5.00", async () => {
  assert.equal(await balance(), '100.84292')
  const renewed = await renewService(unpaid?.id)
  assert.partialDeepStrictEqual(renewed.json, {
    query_status: 'Success',
    query: 'renew_service',
    amount_paid: '5.00',
    renewal_status: 'Success',
    query_result: 'Invoice Paid and Service Renewed.',
  })
  const answers = await Promise.all(
    [unpaid, running, suspended].map(async (server) => (await renewService(server?.id)).json),
  )
  assert.deepEqual(
    answers.map((answer) => (answer as { query_result: string }).query_result),
    [
      'Invoice Already Paid.',
      'No Unpaid Invoice Found For Service. Contact Support.',
      'Service Not Renewed',
    ],
  )
  assert.equal(await balance(), '95.84292')
})

test('HostUp: the curl line of the page answers 99 SEK, and a second one the open invoice', async () => {
  assert.ok(second && others)
  const ask = async () =>
    readAnswer(
      await fetch(`${purser.url}/api/v2/vps/${others.public_id}/actions/renew`, {
        method: 'POST',
        headers: { authorization: `Bearer ${second.keys.full}`, accept: 'application/json' },
      }),
    )
  const renewed = await ask()
  assert.equal(renewed.status, 200, renewed.text)
  assertDocumented('hostup', 'post /api/v2/vps/{id}/actions/renew', renewed)
  assert.partialDeepStrictEqual(renewed.json, {
    vpsId: others.public_id,
    renewalScheduled: true,
    billing: { amount: 99, currencyCode: 'SEK' },
    renewalInvoice: { amount: 99, currencyCode: 'SEK', status: 'unpaid' },
  })
  const blocked = await ask()
  assert.equal(blocked.status, 409)
  assertDocumented('hostup', 'post /api/v2/vps/{id}/actions/renew', blocked)
  await assertBooksBalance(purser)
})
