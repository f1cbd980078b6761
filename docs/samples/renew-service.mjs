// Pays a server's open renewal, once however often this is sent.
//   PURSER_URL=http://127.0.0.1:8080 PURSER_KEY=pur_… PURSER_VMID=12345 node renew-service.mjs
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'

const { PURSER_URL, PURSER_KEY, PURSER_VMID } = process.env

// Keep this name before you send it: sent again under the same name, nothing is paid twice.
const idempotencyKey = randomUUID()

async function renewService() {
  const body = new URLSearchParams({
    API_KEY: PURSER_KEY,
    QUERY: 'renew_service',
    VMID: PURSER_VMID,
  })
  for (let attempt = 1; ; attempt++) {
    try {
      const headers = { 'idempotency-key': idempotencyKey }
      const response = await fetch(PURSER_URL, { method: 'POST', body, headers })
      if (response.status !== 429) return await response.json()
    } catch (error) {
      // No answer: it may have been paid, so ask under the same name.
      if (attempt === 5) throw error
    }
    if (attempt === 5) throw new Error('too many requests')
    await pause(1000 * attempt)
  }
}

const first = await renewService()
const again = await renewService()
// Errors come with HTTP 200 as well: look at query_status.
console.log(`${first.query_status}: ${first.query_result}`)
console.log(`invoice ${first.invoice_id}, paid ${first.amount_paid}, again ${again.invoice_id}`)
