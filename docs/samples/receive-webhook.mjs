// Receives webhooks, and believes those that are signed with the endpoint's secret.
//   PURSER_WEBHOOK_SECRET=whsec_… PORT=9000 node receive-webhook.mjs
// Nothing has to be installed; with the package `standardwebhooks` it is
// `new Webhook(secret).verify(text, request.headers)`.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'

const SECRET = Buffer.from(process.env.PURSER_WEBHOOK_SECRET.replace(/^whsec_/, ''), 'base64')
const TOLERANCE_SECONDS = 5 * 60

// Keep these with your orders: a message may come twice, and then has the same id.
const seen = new Set()

function isSigned(headers, text) {
  const id = headers['webhook-id']
  const timestamp = headers['webhook-timestamp']
  // An old message that somebody recorded is not to be believed again.
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= TOLERANCE_SECONDS)) return false
  const expected = createHmac('sha256', SECRET).update(`${id}.${timestamp}.${text}`).digest()
  // While a secret is being rotated there are two signatures.
  return (headers['webhook-signature'] ?? '').split(' ').some((signature) => {
    const given = Buffer.from(signature.replace(/^v1,/, ''), 'base64')
    return given.length === expected.length && timingSafeEqual(given, expected)
  })
}

createServer(async (request, response) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  // The signature is over the bytes as they came: do not parse them and write them anew.
  const text = Buffer.concat(chunks).toString('utf8')
  if (!isSigned(request.headers, text)) {
    response.writeHead(401).end()
    return
  }
  const id = request.headers['webhook-id']
  if (!seen.has(id)) {
    seen.add(id)
    const change = JSON.parse(text)
    console.log(`order ${change.order_id} is ${change.status}`)
  }
  response.writeHead(204).end()
}).listen(Number(process.env.PORT), '127.0.0.1')
