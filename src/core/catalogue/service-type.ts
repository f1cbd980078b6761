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
  'Mentions',
  'Mentions with Hashtags',
  'Mentions Custom List',
  'Mentions Hashtag',
  'Mentions User Followers',
  'Mentions Media Likers',
  'Comment Likes',
] as const
export type ServiceType = (typeof SERVICE_TYPES)[number]

/** The types that are ordered with a quantity: they alone can be delivered in runs. */
const COUNTED_TYPES = [
  'Default',
  'SEO',
  'Poll',
  'Invites from Groups',
  'Mentions',
  'Mentions with Hashtags',
  'Mentions Hashtag',
  'Mentions User Followers',
  'Mentions Media Likers',
  'Comment Likes',
] as const satisfies readonly ServiceType[]
export type CountedType = (typeof COUNTED_TYPES)[number]

export function isCounted(type: ServiceType): type is CountedType {
  return COUNTED_TYPES.some((counted) => counted === type)
}
