import { testBehaviours } from './client-behaviours.ts'
import { curlClient } from './curl-client.ts'

testBehaviours(curlClient)
