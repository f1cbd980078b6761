/** The curl line of HostUp's page, as it stands there: no body, and no content type. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { renewalRow, rentedServer } from '../kit/hostup-scene.ts'
import { missing, printed } from '../kit/program.ts'
import { startTestPurser } from '../kit/purser.ts'

const purser = await startTestPurser()
after(() => purser.stop())
const skip = await missing('curl', { probe: ['--version'], name: 'curl' })

test('the page’s curl line renews, by HTTP/1.1 and HTTP/1.0', { skip }, async () => {
  for (const version of ['--http1.1', '--http1.0']) {
    const rented = await rentedServer(purser, {})
    const output = await printed('curl', [
      '--silent',
      '--show-error',
      version,
      '-X',
      'POST',
      `${purser.url}/api/v2/vps/${rented.publicId}/actions/renew`,
      '-H',
      `Authorization: Bearer ${rented.customer.key}`,
      '-H',
      'Accept: application/json',
    ])
    const { invoiceId, purchaseId } = await renewalRow(purser, rented)
    const { renewalScheduled, renewalInvoice } = JSON.parse(output) as {
      renewalScheduled: boolean
      renewalInvoice: { id: string; number: string }
    }
    assert.equal(renewalScheduled, true)
    assert.deepEqual(
      [renewalInvoice.id, renewalInvoice.number],
      [invoiceId, String(purchaseId)],
      version,
    )
  }
})
