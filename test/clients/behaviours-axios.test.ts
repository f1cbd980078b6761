import { axiosForm, axiosJson } from './axios-clients.ts'
import { testBehaviours } from './client-behaviours.ts'

testBehaviours(axiosForm)
testBehaviours(axiosJson)
