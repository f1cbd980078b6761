import type { FastifyReply, FastifyRequest } from 'fastify'

export const OPERATOR_COOKIE = 'purser_operator'
export const CUSTOMER_COOKIE = 'hostup_session'

/** The session token that the browser sent under `name`. */
export function readCookie(request: FastifyRequest, name: string): string | undefined {
  for (const pair of request.headers.cookie?.split(';') ?? []) {
    const equals = pair.indexOf('=')
    if (pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim() || undefined
  }
  return undefined
}

/** Hands a session token to the browser, out of reach of scripts. `seconds` 0 takes it back. */
export function setCookie(
  reply: FastifyReply,
  cookie: { name: string; token: string; seconds: number; publicUrl: string | null },
): void {
  const secure = cookie.publicUrl?.startsWith('https:') ? '; Secure' : ''
  reply.header(
    'set-cookie',
    `${cookie.name}=${cookie.token}; Path=/; Max-Age=${cookie.seconds}; HttpOnly; SameSite=Lax${secure}`,
  )
}
