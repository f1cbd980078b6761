import type { FastifyRequest } from 'fastify'
import { Refusal } from '../../core/refusal.ts'

/**
 * Whether the browser says that a page of ours makes this call; undefined where it says nothing,
 * as programs do.
 */
function sameOrigin(request: FastifyRequest, publicUrl: string | null): boolean | undefined {
  const site = request.headers['sec-fetch-site']
  // `none`: the user typed the address, which only ever reads.
  if (site !== undefined) return site === 'same-origin' || (site === 'none' && reads(request))
  const { origin } = request.headers
  if (origin === undefined) return undefined
  if (publicUrl !== null && origin === new URL(publicUrl).origin) return true
  return URL.canParse(origin) && new URL(origin).host === request.headers.host
}

function reads(request: FastifyRequest): boolean {
  return request.method === 'GET' || request.method === 'HEAD'
}

const ELSEWHERE = { detail: 'A session can only be used from its own site.' }

/** Refuses `unauthorized` unless the browser vouches for it: a cookie goes with any page's call. */
export function requireSameOrigin(request: FastifyRequest, publicUrl: string | null): void {
  if (sameOrigin(request, publicUrl) !== true) throw new Refusal('unauthorized', ELSEWHERE)
}

/** Refuses `unauthorized` where the browser says that another site's page signs its visitor in. */
export function refuseOtherOrigin(request: FastifyRequest, publicUrl: string | null): void {
  if (sameOrigin(request, publicUrl) === false) throw new Refusal('unauthorized', ELSEWHERE)
}
