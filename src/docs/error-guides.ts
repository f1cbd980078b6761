import type { RefusalCode } from '../core/refusal.ts'

/** What a reader of an error's page wants to know. */
export interface ErrorGuide {
  readonly title: string
  readonly meaning: string
  readonly remedy: string
}

/** Every code that an answer can carry: the core's, and the one that REST writes for bad input. */
export type ErrorCode = RefusalCode | 'invalid_request'

const INVALID: ErrorGuide = {
  title: 'The request is not valid',
  meaning:
    'A field is missing, has the wrong type or a value that is not allowed. Nothing was changed.',
  remedy:
    'Read the text of the error: it names the field and says what to change. In HostUp and the operator API `errors` lists every wrong field by JSON pointer, in VPSBG by its name. Send the corrected request; the same idempotency key may be used.',
}

export const ERROR_GUIDES: Readonly<Record<ErrorCode, ErrorGuide>> = {
  invalid_request: INVALID,
  invalid_input: INVALID,
  unauthorized: {
    title: 'Not signed in',
    meaning: 'The key or session is missing, unknown, expired or disabled.',
    remedy:
      "Send the whole key, without blanks around it: the field `key` in the panels, `API_KEY` in CrownPanel, `Authorization: Bearer …` in VPSBG, HostUp and the operator API. A session's cookie works from this site's own pages alone. A customer's key does not work in the operator API, nor the other way round. A disabled key never works again: ask for a new one. Everywhere but in the panels an address has to wait after 60 wrong keys in a minute; in the panels a wrong key counts like every other request.",
  },
  insufficient_scope: {
    title: 'Not allowed',
    meaning: 'The key is good, but may not do this.',
    remedy:
      'Ordering and canceling needs the scope `write:orders`, reading orders `read:billing` or `write:orders`. Renewing and paying needs `write:billing`, reading money `read:billing`, reading servers `read:vm`. `read:all` and `write:all` imply the rest. Ask the operator for a key with that scope. The operator API needs the key of an operator.',
  },
  rate_limited: {
    title: 'Too many requests',
    meaning: 'More requests in this minute than the limit allows. This one did nothing.',
    remedy:
      'Wait for the seconds in `Retry-After`, then send it again. `RateLimit-Remaining` counts along. Ask for many orders at once (`multiStatus`, up to 100) instead of one by one.',
  },
  unknown_action: {
    title: 'No such action',
    meaning:
      'The field `action` (`QUERY` in CrownPanel) is missing or has a value that this API does not know.',
    remedy:
      'Send one of the actions in the [documentation](/docs). If you did send one, the body did not arrive as a form: check its content type.',
  },
  too_many_ids: {
    title: 'Too many ids',
    meaning: 'One request asks for more ids than it may.',
    remedy: 'Send up to 100 ids a request, in several requests.',
  },
  idempotency_key_invalid: {
    title: 'The idempotency key is not valid',
    meaning: 'An idempotency key is 1 to 255 printable ASCII characters without blanks.',
    remedy: 'Use a UUID, or the number of the order in your own system.',
  },
  idempotency_key_reused: {
    title: 'The idempotency key stands for something else',
    meaning:
      'The same key was used for another operation, or for the same with other fields. Nothing was changed.',
    remedy:
      'Use a new key for a new request. To repeat an earlier request, send exactly the fields that you sent then.',
  },
  not_found: {
    title: 'Not found',
    meaning: 'There is no such object or address, or it belongs to somebody else.',
    remedy:
      'Check the id and the path. What belongs to another account is answered like this too. In a list of ids VPSBG calls it a wrong field.',
  },
  service_not_found: {
    title: 'No such service',
    meaning: 'The service does not exist, is not active, or has no price in your currency.',
    remedy: 'Read the service list again and use an id from there.',
  },
  order_not_found: {
    title: 'No such order',
    meaning: 'None of your orders goes by this id.',
    remedy: 'Use the id that `add` answered: the number, or the whole `CR-…` name with its month.',
  },
  type_not_orderable: {
    title: 'Not for ordering through the API',
    meaning: 'Services of this type, such as Subscriptions, are ordered on the customer site.',
    remedy: 'Order it there, or choose a service of another type.',
  },
  feature_unavailable: {
    title: 'Not available yet',
    meaning: 'This version of Purser does not have what was asked for.',
    remedy:
      'Use a call that the [documentation](/docs) has. The release notes say when this one arrives.',
  },
  order_not_cancelable: {
    title: 'The order cannot be canceled',
    meaning: 'The order has ended already, or its service does not allow canceling.',
    remedy: 'Read its status. `cancel` in the service list says which services allow it.',
  },
  order_not_refillable: {
    title: 'The order cannot be refilled',
    meaning:
      'Its service gives no refills, the order has not been completed, the time for refills is over, or the last refill is too recent.',
    remedy:
      'Read its status. `refill` in the service list says which services refill; the text says when the next one may be asked for.',
  },
  refill_not_found: {
    title: 'There is no such refill',
    meaning: 'No refill of this account has this number.',
    remedy: 'Send the number that `refill` answered.',
  },
  link_active: {
    title: 'The link has an active order',
    meaning:
      'This service delivers one order at a time for a link, and the last one has not ended.',
    remedy: 'Wait until the order for this link has ended, then send it again.',
  },
  invalid_state: {
    title: 'Not possible in this state',
    meaning: 'The object is not in a state that allows this: it has ended, say, or is suspended.',
    remedy: 'Read the object again and go by its present state.',
  },
  conflict: {
    title: 'Exists already',
    meaning: 'An object like this exists already, by the same address or name.',
    remedy: 'Use the one that exists, or choose another name.',
  },
  currency_fixed: {
    title: 'The currency is fixed',
    meaning: "An account's currency cannot change once money has moved in it.",
    remedy: 'Make a new account in the other currency.',
  },
  insufficient_funds: {
    title: 'Not enough money',
    meaning: 'The wallet holds less than this costs. Nothing was taken.',
    remedy:
      'Add money to the wallet, then send the request again; the same idempotency key may be used.',
  },
  refund_exceeds_charge: {
    title: 'More than was charged',
    meaning: 'All refunds of an order together may not exceed what it cost.',
    remedy:
      "Refund at most the order's `charge` less its `refunded`; leave `amount` out for all of it.",
  },
  payload_too_large: {
    title: 'The body is too large',
    meaning: 'A request body may have up to 1 MiB.',
    remedy: 'Send it in several requests.',
  },
  existing_invoice_blocking: {
    title: 'An unpaid invoice exists',
    meaning:
      'The renewal was made out before: an unpaid invoice for the same period waits. No second one is made.',
    remedy:
      'Pay the invoice that the answer names: in HostUp `extensions.recovery` has the method and the address. After that the server is renewed, and there is nothing left to ask for. VPSBG names the open order: it is for other servers than those asked for; pay it, delete it, or renew exactly its servers.',
  },
  already_paid: {
    title: 'Paid already',
    meaning:
      'Somebody has paid this: another request, another API, the page at `/billing` or the automatic payment. The money was taken once.',
    remedy: 'Nothing. Read the invoice or the server to see what it was extended to.',
  },
  not_sold: {
    title: 'Not sold so',
    meaning:
      'The plan or an addon has no price in the currency of the account for that billing cycle. Prices are never converted.',
    remedy: 'Choose a billing cycle that the list of plans shows, or ask the operator for a price.',
  },
  resource_locked: {
    title: 'Locked',
    meaning: 'An action on the resource is running. Nothing was changed.',
    remedy: 'Send the same request again in some seconds.',
  },
  payment_reversed: {
    title: 'The provider refused',
    meaning:
      'The invoice was paid, and then the provider refused to extend the service for good. The whole amount was moved back to the wallet, and the invoice is open again.',
    remedy: 'Ask the operator why. Paying again is safe: it takes the money at most once.',
  },
  provider_error: {
    title: 'The provider failed',
    meaning:
      'The answer depends on an outside provider, and that one failed or did not answer. Nothing was changed.',
    remedy: 'Try again later. Under the same idempotency key nothing happens twice.',
  },
  unavailable: {
    title: 'Not available at the moment',
    meaning: 'Purser is too busy, restarts, or cannot reach its database.',
    remedy:
      'Send the same request again after the seconds in `Retry-After`. With an idempotency key nothing happens twice, even where the first request had been carried out.',
  },
  internal_error: {
    title: 'Internal error',
    meaning: 'Something went wrong on our side. It has been logged.',
    remedy:
      'Send the same request again later, under the same idempotency key. If it stays, report the `X-Request-Id` of the answer to the operator: it finds the log line.',
  },
}
