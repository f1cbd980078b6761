import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { publicId } from '../lib/ids.ts'

/** What could not be read so far that a route could be asked, by Node's name for it. */
const UNREADABLE: Readonly<Record<string, { status: number; text: string }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, text: 'The address and the headers are too long' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, text: 'The request took too long to arrive' },
}
const NOT_HTTP = { status: 400, text: 'The request is not valid HTTP' }

/** Answers bytes that are no request and closes the connection. Every answer has a request id. */
export function answerUnreadable(error: { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  if (socket.writable) {
    const { status, text } = UNREADABLE[error.code ?? ''] ?? NOT_HTTP
    const body = JSON.stringify({ error: text })
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n` +
        `X-Request-Id: ${publicId('req', Date.now())}\r\n` +
        'Content-Type: application/json; charset=utf-8\r\n' +
        `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    )
  }
  socket.destroy()
}

/** Answers a request whose address is none, as `http://[/`: no hook or route sees it. */
export function answerBadAddress(
  _error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  reply
    .header('x-request-id', request.id)
    .code(400)
    .type('application/json; charset=utf-8')
    .send({ error: 'The address is not valid' })
}
