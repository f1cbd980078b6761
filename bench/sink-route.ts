// What receives webhooks: answers 204 to each, as fast as Node does, and never to /silent. Tells at
// /stats how many came, and at /arrivals when each order's came (milliseconds since 1970); a POST
// to /reset forgets both.
import { createServer } from 'node:http'

let received = 0
const arrivals = new Map<number, number>()

function noted(body: string): void {
  received++
  const { order_id: order } = JSON.parse(body) as { order_id: number }
  // Of several attempts the first that came through is the one that tells the customer.
  if (!arrivals.has(order)) arrivals.set(order, Date.now())
}

const server = createServer((request, response) => {
  if (request.url === '/stats') {
    response.end(JSON.stringify({ received, orders: arrivals.size }))
    return
  }
  if (request.url === '/arrivals') {
    response.end(JSON.stringify([...arrivals]))
    return
  }
  if (request.url === '/reset') {
    received = 0
    arrivals.clear()
    response.end('{}')
    return
  }
  let text = ''
  request.setEncoding('utf8')
  request.on('data', (chunk: string) => {
    text += chunk
  })
  request.on('end', () => {
    if (request.url === '/silent') return
    noted(text)
    response.writeHead(204).end()
  })
})
process.once('SIGTERM', () => process.exit(0))
server.listen(Number(process.env.PORT), '127.0.0.1')
