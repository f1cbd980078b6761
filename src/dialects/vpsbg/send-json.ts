import type { FastifyReply } from 'fastify'

const JSON_TYPE = 'application/json; charset=utf-8'

/** Answers 200 with `body`, or with its text where that is known already. */
export function sendJson(reply: FastifyReply, body: object | string): FastifyReply {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return reply.code(200).type(JSON_TYPE).send(text)
}
