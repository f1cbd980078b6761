/** What a service is: it says what an order of it takes. By the panels' own names. */
export const SERVICE_TYPES = [
  'Default',
  'Package',
  'SEO',
  'Custom Comments',
  'Custom Comments Package',
  'Poll',
  'Subscriptions',
  'Invites from Groups',
] as const
export type ServiceType = (typeof SERVICE_TYPES)[number]
