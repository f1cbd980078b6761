import { type TSchema, Type } from 'typebox'
import type { RefusalCode } from '../../core/refusal.ts'
import {
  Balance,
  BandwidthUsage,
  form,
  InvoiceList,
  NetworkInfo,
  renewalShape,
  TransactionList,
  VmList,
  VpsInfo,
  vmid,
} from './crownpanel-schemas.ts'

/** What a query takes and answers, in words and schemas. */
export interface QueryText {
  readonly query: string
  readonly title: string
  readonly description: string
  readonly request: {
    readonly name: string
    readonly schema: TSchema
    readonly example: Readonly<Record<string, string>>
  }
  readonly answers: readonly AnswerText[]
  /** What this query refuses, beside what every request can meet. */
  readonly refuses: readonly (keyof typeof CROWNPANEL_ERRORS)[]
}

export interface AnswerText {
  /** When it is this one, where there are several. */
  readonly description: string
  readonly name: string
  readonly schema: TSchema
  readonly example: unknown
}

/** What this API refuses, when, and the text where it depends on the request. */
export const CROWNPANEL_ERRORS = {
  unauthorized: { when: 'The key is missing, unknown or disabled.' },
  insufficient_scope: { when: 'The key lacks the scope that the query needs.' },
  rate_limited: { when: 'Too many requests of this key, or wrong keys of this address. HTTP 429.' },
  unknown_action: { when: '`QUERY` is missing or not one of this API.' },
  feature_unavailable: { when: 'The query belongs to this API, but is not in this version.' },
  not_found: { when: '`VMID` is missing, or none of your servers goes by it.' },
  invalid_input: {
    when:
      '`INVOICE_ID` is none of your invoices for this server. A body that is no form is refused ' +
      'in words of its own.',
    detail: 'Invalid INVOICE_ID.',
  },
  idempotency_key_invalid: { when: 'The idempotency key is not 1 to 255 printable ASCII letters.' },
  idempotency_key_reused: { when: 'The idempotency key stands for another request already.' },
  provider_error: { when: 'The provider had to be asked and did not tell.' },
  payload_too_large: { when: 'The body has more than 1 MiB.' },
  internal_error: {
    when: 'Our fault. `X-Request-Id` finds it in the log.',
    detail: 'Something went wrong on our side. Retry later or contact support.',
  },
  unavailable: { when: 'Too busy, or the database is away. Try again later.' },
} as const satisfies Partial<
  Record<RefusalCode, { readonly when: string; readonly detail?: string }>
>

const RENEWED = {
  query_status: 'Success',
  query: 'renew_service',
  invoice_id: '43210',
  amount_paid: '5.00',
  renewal_status: 'Success',
  query_result: 'Invoice Paid and Service Renewed.',
}

/** An answer to `renew_service`, by what its example changes of the one that says "renewed". */
function renewal(
  name: string,
  description: string,
  change: { renewal_status: string; query_result: string; invoice_id?: string },
  o: { showsAmount?: boolean; result?: TSchema } = {},
): AnswerText {
  const { showsAmount = true, result = Type.Literal(change.query_result) } = o
  const { amount_paid, ...rest } = { ...RENEWED, query_status: 'Error', ...change }
  const example = {
    query_status: rest.query_status,
    query: rest.query,
    invoice_id: rest.invoice_id,
    ...(showsAmount ? { amount_paid } : {}),
    renewal_status: rest.renewal_status,
    query_result: rest.query_result,
  }
  const schema = renewalShape({
    status: 'Error',
    renewal: change.renewal_status,
    result,
    showsAmount,
  })
  return { description, name, schema, example }
}

const RENEWALS: readonly AnswerText[] = [
  {
    description: 'Paid from the wallet (or the saved card), and the server runs a period longer.',
    name: 'Renewed',
    schema: renewalShape({
      status: 'Success',
      renewal: 'Success',
      result: Type.Literal(RENEWED.query_result),
      showsAmount: true,
    }),
    example: RENEWED,
  },
  renewal(
    'AlreadyPaid',
    'The invoice, or that of the coming period, was paid before. Nothing was taken.',
    { renewal_status: 'Failed', query_result: 'Invoice Already Paid.' },
    { showsAmount: false },
  ),
  renewal('LowBalance', 'Wallet and saved card are too low. Nothing was taken.', {
    renewal_status: 'Low Balance',
    query_result: 'Wallet Balance not enough to renew this service.',
  }),
  renewal('NotAvailable', 'No invoice has been made out for the coming period yet.', {
    renewal_status: 'Not Available',
    query_result: 'No Unpaid Invoice Found For Service. Contact Support.',
  }),
  renewal(
    'CreditKept',
    'The card was charged for what the wallet lacked, and meanwhile the invoice was voided or ' +
      'paid: the money is in the wallet.',
    {
      renewal_status: 'Error',
      query_result:
        'Contact support, Invoice was not paid automatically. ' +
        'Credit is moved to Client Area Balance.',
    },
  ),
  renewal(
    'Reversed',
    'Paid, then the provider refused for good: the money is back in the wallet, and the invoice ' +
      'is open again.',
    {
      invoice_id: '293764',
      renewal_status: 'API Error',
      query_result: 'Success, $5 was reversed back to account due to an API issue.',
    },
    {
      result: Type.String({
        pattern: '^Success, .+ was reversed back to account due to an API issue\\.$',
      }),
    },
  ),
  renewal(
    'NotRenewed',
    'Any other reason: the server is suspended for abuse or terminated, or the provider has not ' +
      'answered within ten seconds. In that last case the money is held and the renewal ends by ' +
      'itself; ask again under the same idempotency key to see how.',
    { renewal_status: 'Unknown', query_result: 'Service Not Renewed' },
  ),
]

export const CROWNPANEL_QUERIES: readonly QueryText[] = [
  {
    query: 'renew_service',
    title: 'Renew service',
    description:
      "Pays the server's unpaid renewal invoice at once and renews it. `invoice_id` is the " +
      "server's latest invoice, `0` where it has none; `amount_paid` what the invoice comes to, " +
      'or what a renewal would. Needs `write:billing`.',
    request: {
      name: 'RenewServiceRequest',
      schema: form('renew_service', {
        VMID: vmid,
        INVOICE_ID: Type.Optional(
          Type.String({ description: 'The invoice to pay; left out, the unpaid one is found' }),
        ),
        IDEMPOTENCY_KEY: Type.Optional(
          Type.String({
            minLength: 1,
            maxLength: 255,
            description:
              'Your own name for this request: sent again, it answers the same and pays nothing ' +
              'twice. The header `Idempotency-Key` does the same.',
          }),
        ),
      }),
      example: { QUERY: 'renew_service', VMID: '12345' },
    },
    answers: RENEWALS,
    refuses: [
      'not_found',
      'invalid_input',
      'idempotency_key_invalid',
      'idempotency_key_reused',
      'insufficient_scope',
    ],
  },
  reading({
    query: 'list_vms',
    title: 'List VMs',
    description: 'Your servers, newest first, without terminated ones. Needs `read:vm`.',
    answer: {
      name: 'VmList',
      schema: VmList,
      example: [
        {
          vmid: '12345',
          status: 'online',
          hostname: 'web1.example.com',
          ipaddress: '203.0.113.10',
          location: 'Sofia',
          bandwidth: 2_097_152,
        },
      ],
    },
  }),
  reading({
    query: 'vps_info',
    title: 'VPS information',
    description: 'What a server is, and what its renewal costs. Needs `read:vm`.',
    ofServer: true,
    answer: {
      name: 'VpsInfo',
      schema: VpsInfo,
      example: {
        vmid: '12345',
        hostname: 'web1.example.com',
        status: 'online',
        os: 'Ubuntu 24.04',
        vcpu: 1,
        memory_mb: 2048,
        disk_gb: 40,
        bandwidth_gb: 2048,
        location: 'Sofia',
        created_on: '1712439337',
        next_due_date: '1715031337',
        renewal_price: '5.00',
        billing_cycle: 1,
        invoice_id: '43210',
      },
    },
  }),
  reading({
    query: 'network_info',
    title: 'VPS network information',
    description: "A server's addresses, the main one first. Needs `read:vm`.",
    ofServer: true,
    answer: {
      name: 'NetworkInfo',
      schema: NetworkInfo,
      example: {
        vmid: '12345',
        ipv4: [
          {
            address: '203.0.113.10',
            gateway: '203.0.113.1',
            netmask: '255.255.255.0',
            rdns: 'web1.example.com',
            primary: true,
          },
        ],
        ipv6: [
          {
            address: '2001:db8::10',
            gateway: '2001:db8::1',
            netmask: '64',
            rdns: null,
            primary: false,
          },
        ],
      },
    },
  }),
  reading({
    query: 'bandwidth_usage_v2',
    title: 'Bandwidth usage',
    description: 'Traffic of this calendar month (UTC), in MB of 1/1024 GB. Needs `read:vm`.',
    ofServer: true,
    refuses: ['provider_error'],
    answer: {
      name: 'BandwidthUsage',
      schema: BandwidthUsage,
      example: {
        bandwidth_usage: 104_857,
        bandwidth_quota: 2_097_152,
        bandwidth_usage_percentage: 5,
      },
    },
  }),
  reading({
    query: 'balance',
    title: 'Wallet balance',
    description: 'What is in the wallet. Needs `read:billing`.',
    answer: {
      name: 'Balance',
      schema: Balance,
      example: { balance: '100.84', currency: 'USD' },
    },
  }),
  reading({
    query: 'list_invoices',
    title: 'List invoices',
    description: 'The newest 100 invoices, or those of one server. Needs `read:billing`.',
    ofServer: 'optional',
    answer: {
      name: 'InvoiceList',
      schema: InvoiceList,
      example: [
        {
          invoice_id: '43210',
          vmid: '12345',
          amount: '5.00',
          status: 'unpaid',
          created_on: '1712439337',
          due_on: '1715031337',
          paid_on: null,
        },
      ],
    },
  }),
  reading({
    query: 'list_transactions',
    title: 'List transactions',
    description: 'The newest 100 movements of the wallet. Needs `read:billing`.',
    answer: {
      name: 'TransactionList',
      schema: TransactionList,
      example: [
        {
          transaction_id: '981',
          amount: '-5.00',
          description: 'Renewal: Cloud VPS 2 GB - web1.example.com [203.0.113.10]',
          created_on: '1712439337',
        },
      ],
    },
  }),
]

/** A query that changes nothing, with one answer. */
function reading(o: {
  query: string
  title: string
  description: string
  ofServer?: true | 'optional'
  refuses?: readonly (keyof typeof CROWNPANEL_ERRORS)[]
  answer: Omit<AnswerText, 'description'>
}): QueryText {
  const { ofServer } = o
  const fields =
    ofServer === undefined ? {} : { VMID: ofServer === true ? vmid : Type.Optional(vmid) }
  return {
    query: o.query,
    title: o.title,
    description: o.description,
    request: {
      name: `${o.answer.name}Request`,
      schema: form(o.query, fields),
      example: { QUERY: o.query, ...(ofServer === true ? { VMID: '12345' } : {}) },
    },
    answers: [{ description: '', ...o.answer }],
    refuses: [
      ...(ofServer === undefined ? [] : (['not_found'] as const)),
      ...(o.refuses ?? []),
      'insufficient_scope',
    ],
  }
}
