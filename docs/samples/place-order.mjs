// Places an order so that it is bought once however often this is sent, then reads its status.
//   PURSER_URL=http://127.0.0.1:8080 PURSER_KEY=pur_… node place-order.mjs
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'

const url = `${process.env.PURSER_URL}/api/v2`
const key = process.env.PURSER_KEY

async function ask(fields, headers = {}) {
  const body = new URLSearchParams({ key, ...fields })
  const response = await fetch(url, { method: 'POST', body, headers })
  const answer = await response.json()
  if (answer.error) throw Object.assign(new Error(answer.error), { status: response.status })
  return answer
}

// Keep this name with your own order before you send it: sent again, it buys nothing twice.
const idempotencyKey = randomUUID()

async function placeOrder(fields) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask({ action: 'add', ...fields }, { 'idempotency-key': idempotencyKey })
    } catch (error) {
      // No answer, or "try again": the order may have been bought, so ask under the same name.
      const mayPass = error.status === undefined || error.status === 429 || error.status >= 500
      if (!mayPass || attempt === 5) throw error
      await pause(1000 * attempt)
    }
  }
}

const order = { service: 1, link: 'https://shop.example/page', quantity: 100 }
const first = await placeOrder(order)
const again = await placeOrder(order)
console.log(`order ${first.order}, sent again: ${again.order}`)
const { status, charge, currency } = await ask({ action: 'status', order: first.order })
console.log(`status ${status}, charge ${charge} ${currency}`)
