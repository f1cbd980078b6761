import { publicIdOf, uuidV7 } from '../../lib/ids.ts'
import type { BillingTerms } from '../billing/billing-terms.ts'
import { openSubscriptions } from '../billing/open-subscriptions.ts'
import type { Operation } from '../operation.ts'
import { checkLine } from '../text-field.ts'
import { checkHostname } from './hostname.ts'
import { type AddressInput, checkAddresses } from './server-address.ts'
import { checkOffer, type ServerAsked } from './server-offer.ts'
import { insertAddresses, insertServer } from './server-store.ts'

export interface CreateServerInput extends ServerAsked {
  readonly hostname: string
  readonly location: string
  /** The image it was made from. */
  readonly image: { readonly name: string; readonly family: string; readonly version: string }
  /** What the provider calls it; null: by its public id. */
  readonly providerRef: string | null
  /** The first is the main one. */
  readonly addresses: readonly AddressInput[]
  /** Whether its renewals are paid by themselves on the due date. */
  readonly autoPay: boolean
  /** On which day its first period begins; null: today. */
  readonly from: Date | null
}

const TEXT_LENGTH_MAX = 200

/**
 * Enters a server that runs at its plan's provider, with its subscriptions. The first period is
 * granted; from then on it is renewed. Refuses `invalid_input`, `not_sold` in the account's
 * currency for this cycle, and `conflict` by provider_ref and by address.
 */
export function createServer(terms: BillingTerms): Operation<CreateServerInput, { id: string }> {
  return {
    name: 'server.create',
    permission: 'operator',
    async run(context, input) {
      const { tx, now, record } = context
      const { provider, timeZone } = await checkOffer(tx, input)
      const { accountId, planId, billingCycle, addons, autoPay } = input
      const addresses = checkAddresses(input.addresses)
      const publicId = uuidV7(now.getTime())
      const server = { accountId, planId, provider, publicId, ...checkTexts(input, publicId) }
      const serverId = await insertServer(tx, server, now)
      await insertAddresses(tx, serverId, addresses)
      record({ kind: 'server.created', subjectId: serverId, accountId })
      const owner = { serverId, accountId, planId, timeZone }
      await openSubscriptions(context, {
        ...owner,
        billingCycle,
        from: input.from ?? now,
        addons,
        autoPay,
        terms,
      })
      return { id: String(serverId) }
    },
  }
}

function checkTexts(input: CreateServerInput, publicId: string) {
  const line = (text: string, pointer: string) =>
    checkLine(text, { pointer, lengthMax: TEXT_LENGTH_MAX })
  const { image, providerRef } = input
  return {
    providerRef:
      providerRef === null ? publicIdOf('vps', publicId) : line(providerRef, '/provider_ref'),
    hostname: checkHostname(input.hostname),
    location: line(input.location, '/location'),
    image: {
      name: line(image.name, '/image/name'),
      family: line(image.family, '/image/family'),
      version: line(image.version, '/image/version'),
    },
  }
}
