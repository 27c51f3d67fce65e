// The live page: polls the calls and the figures once a second.

import { chip, hue, make, moment, plain, say, short } from './elements.js'

const MAX_ROWS = 200
const MAX_SESSIONS = 5000
const POLL_MS = 1000
// An answer that takes longer is none: what is shown gets old meanwhile.
const PATIENCE_MS = 3000
const FAULTS = [
  ['throttling', 'Throttled', 'HTTP 400'],
  ['server_error', 'Server error', 'HTTP 500'],
  ['reset', 'Connection reset', 'no answer'],
  ['hang', 'Hang', 'no answer for 30 s'],
  ['html', 'HTML with 200', 'a captive portal'],
  ['redirect', 'Redirect', 'HTTP 307'],
  ['slow_body', 'Slow body', 'drop by drop'],
]

const $ = id => document.getElementById(id)
const ask = async path => {
  const answer = await fetch(path, { signal: AbortSignal.timeout(PATIENCE_MS) })
  if (!answer.ok) throw new Error(answer.statusText)
  return answer
}
const list = $('list')
let lastCall = 0
let paused = false
let shownAt = 0
let shownResources = ''
const userOf = new Map()

// A session that was anonymous so far and now comes with a user: the link Personalize joins histories by.
function isLink({ sessionId, userId }) {
  const wasAnonymous = userOf.get(sessionId) === ''
  if (userId || !userOf.has(sessionId)) userOf.set(sessionId, userId ?? '')
  if (userOf.size > MAX_SESSIONS) userOf.delete(userOf.keys().next().value)
  return wasAnonymous && Boolean(userId)
}

const isObject = value => typeof value === 'object' && value !== null && !Array.isArray(value)

// What came may be anything: a call that was refused is shown for what it is, and hides no other.
const objects = value => (Array.isArray(value) ? value.filter(isObject) : [])

// The item of an event: its own, else the one in its properties, as the service reads it.
function itemOf(event) {
  if (event.itemId) return event.itemId
  try {
    return JSON.parse(event.properties).itemId
  } catch {
    return undefined
  }
}

function eventChips(event) {
  const value = event.eventValue === undefined ? '' : ` · ${event.eventValue}`
  const chips = [chip('', short(event.eventType, 40), short(itemOf(event) ?? 'no item', 60) + value, event.eventId)]
  if (Array.isArray(event.impression) && event.impression.length) {
    chips.push(chip('plain', '', `${event.impression.length} seen`, event.impression.join(', ')))
  }
  const source = event.metricAttribution?.eventAttributionSource
  if (source) chips.push(chip('source', 'from', short(source, 60), 'where the recommendation came from'))
  return chips
}

function whatHappened(call) {
  const body = isObject(call.body) ? call.body : {}
  const what = make('div', 'what')
  if (call.operation === 'PutEvents') {
    const events = objects(body.eventList)
    for (const event of events) what.append(...eventChips(event))
    const id = events.find(event => event.recommendationId)?.recommendationId
    if (id) what.append(chip('plain', '', short(id, 14), id))
    if (call.taken && body.sessionId && isLink(body)) {
      what.append(chip('link', '', 'session linked to user', 'what came before belongs to this user from now on'))
    }
    return what
  }
  if (call.operation === 'GetRecommendations') {
    what.append(chip('plain', '', 'recommendations'))
    if (body.itemId) what.append(chip('', 'for item', short(body.itemId, 60)))
    const source = body.campaignArn ?? body.recommenderArn
    if (source) what.append(chip('plain', '', short(String(source).split(':').at(-1), 60), source))
    return what
  }
  const records = body.users ?? body.items ?? body.actions ?? body.actionInteractions
  what.append(chip('plain', '', call.operation ?? 'unknown operation'))
  if (Array.isArray(records)) what.append(chip('', String(records.length), 'records'))
  else if (body.name ?? body.jobName) what.append(chip('', '', short(body.name ?? body.jobName, 60)))
  return what
}

function who(call) {
  const body = isObject(call.body) ? call.body : {}
  const element = make('div', 'who')
  if (body.sessionId) {
    const session = make('span', 'session')
    const dot = make('span', 'dot')
    dot.style.background = `hsl(${hue(body.sessionId)} 60% 55%)`
    session.append(dot, make('bdi', 'mono', short(body.sessionId, 13)))
    session.title = plain(`session ${body.sessionId}`)
    element.append(session)
  }
  const user = body.userId ? short(body.userId, 20) : call.operation === 'PutEvents' ? 'anonymous' : ''
  if (user) element.append(make('bdi', body.userId ? 'user' : 'user none', user))
  return element
}

function state(call) {
  const fault = call.fault ? ` · ${call.fault.replace('_', ' ')}` : ''
  if (call.error) return make('span', 'state bad', `${call.status} ${short(call.error.replace(/Exception$/, ''), 22)}`)
  if (fault) return make('span', 'state odd', `${call.taken ? 'taken' : 'lost'}${fault}`)
  return make('span', 'state', String(call.status))
}

function row(call) {
  const item = make('li', 'call')
  const details = make('details')
  const summary = make('summary')
  const when = moment(call.time)
  when.title = `call ${call.n}, ${call.time}`
  summary.append(when, who(call), whatHappened(call), state(call))
  details.append(summary)
  details.addEventListener('toggle', () => {
    if (!details.open || details.lastChild !== summary) return
    const body = make('pre', '', JSON.stringify(call, null, 2))
    body.tabIndex = 0 // it scrolls, by the keyboard too
    details.append(body)
  })
  item.append(details)
  return item
}

async function showCalls() {
  const query = new URLSearchParams({ after: lastCall, tail: MAX_ROWS })
  for (const name of ['operation', 'session', 'user', 'item']) {
    const wanted = $(name).value.trim()
    if (wanted) query.set(name, wanted)
  }
  const answer = await ask(`/_emulator/calls?${query}`)
  const lines = (await answer.text()).split('\n').filter(Boolean)
  const rows = document.createDocumentFragment()
  for (const line of lines) {
    const call = JSON.parse(line)
    lastCall = Math.max(lastCall, call.n)
    rows.prepend(row(call))
  }
  list.prepend(rows)
  while (list.childElementCount > MAX_ROWS) list.lastElementChild.remove()
}

const number = value => Number(value ?? 0).toLocaleString('en')
const sum = counts => Object.values(counts ?? {}).reduce((total, count) => total + count, 0)

async function showFigures() {
  const answer = await ask('/_emulator/stats')
  const figures = await answer.json()
  const refused = Object.entries(figures.refused).sort((a, b) => b[1] - a[1])
  say($('events'), number(figures.events))
  say($('events-note'), figures.events_repeated ? `${number(figures.events_repeated)} of them repeated` : '')
  say($('put-events'), number(figures.calls.PutEvents))
  say($('per-call'), figures.events ? `${figures.events_per_call_mean.toFixed(2)} events a call` : '')
  say($('sessions'), number(figures.sessions))
  say($('users'), number(figures.users))
  say($('refused'), number(sum(figures.refused)))
  say($('refused-note'), refused.length ? refused[0][0].replace(/Exception$/, '') : '')
  if (figures.last_call < lastCall) showAnew() // it was started anew
  showRate(figures)
  showData(figures)
  showTypes(figures.event_types)
}

// Calls of each of the last sixty whole seconds, as the emulator counted them: right from the first look on.
function showRate(figures) {
  const rates = figures.last_minute
  const most = Math.max(1, ...rates)
  const points = rates.map((rate, index) => `${index * (240 / (rates.length - 1))},${42 - (rate / most) * 38}`)
  $('spark-line').setAttribute('points', points.join(' '))
  $('spark-area').setAttribute('d', `M0,44 L${points.join(' L')} L240,44 Z`)
  say($('rate'), `${rates.at(-1)} now, ${Math.max(...rates)} at most, ${number(sum(rates))} in all`)
}

function tableRow(...cells) {
  const element = make('tr')
  for (const [index, cell] of cells.entries()) {
    const one = make(index ? 'td' : 'th')
    if (cell) one.append(make('bdi', '', cell))
    if (!index) one.scope = 'row'
    element.append(one)
  }
  return element
}

function showData({ records, imported }) {
  const rows = [['Items', records.items], ['Users', records.users], ['Actions', records.actions], ['Imported interactions', imported]]
  $('data').replaceChildren(...rows.map(([name, count]) => tableRow(name, number(count))))
}

async function showResources() {
  const answer = await ask('/_emulator/resources')
  const text = await answer.text()
  if (text === shownResources) return
  shownResources = text
  const resources = text.split('\n').filter(Boolean).map(line => JSON.parse(line))
  const rows = resources.map(one => {
    const arn = Object.entries(one).find(([name, value]) => name.endsWith('Arn') && String(value).includes(`:${one.kind.replace('-version', '')}/`))?.[1] ?? ''
    const element = tableRow(one.name || one.jobName || String(arn).split('/').at(-1), one.kind, '')
    const status = one.latestCampaignUpdate?.status ?? one.status ?? 'ACTIVE'
    const mark = make('span', `state ${/FAILED/.test(status) ? 'bad' : /ACTIVE|COMPLETED/.test(status) ? '' : 'odd'}`, status)
    if (one.failureReason) mark.title = plain(one.failureReason)
    element.lastElementChild.append(mark)
    return element
  })
  $('resources').replaceChildren(...rows)
}

function showTypes(types) {
  const most = Math.max(1, ...Object.values(types))
  const rows = Object.entries(types)
    .slice(0, 8)
    .map(([name, count]) => {
      const element = make('div', 'row')
      const track = make('div', 'track')
      const fill = make('span', 'fill')
      fill.style.width = `${(count / most) * 100}%`
      track.append(fill)
      element.append(make('bdi', 'name', name), make('span', 'count', number(count)), track)
      return element
    })
  $('types').replaceChildren(...(rows.length ? rows : [make('span', 'count', 'none yet')]))
}

function buildFaults() {
  for (const [kind, name, note] of FAULTS) {
    const element = make('div', 'fault')
    const label = make('label', '', `${name} `)
    label.htmlFor = `fault-${kind}`
    label.append(make('small', '', note))
    const output = make('output', '', '0 %')
    output.htmlFor = `fault-${kind}`
    const slider = make('input')
    Object.assign(slider, { type: 'range', min: 0, max: 100, step: 5, value: 0, id: `fault-${kind}` })
    slider.addEventListener('input', () => markFault(slider))
    slider.addEventListener('change', setFaults)
    element.append(label, output, slider)
    $('faults').append(element)
  }
}

function markFault(slider) {
  slider.closest('.fault').classList.toggle('on', slider.value > 0)
  slider.closest('.fault').querySelector('output').textContent = `${slider.value} %`
}

async function setFaults() {
  const faults = { refuse_items: $('refuse').value.split(/[\s,]+/).filter(Boolean) }
  for (const [kind] of FAULTS) {
    const rate = Number($(`fault-${kind}`).value) / 100
    if (rate) faults[kind] = { rate, taken: $('taken').checked }
  }
  const answer = await fetch('/_emulator/faults', { method: 'PUT', body: JSON.stringify(faults) })
  $('fault-problem').hidden = answer.ok
  $('fault-problem').textContent = answer.ok ? '' : await answer.text()
}

async function readFaults() {
  const { faults } = await (await ask('/_emulator/faults')).json()
  for (const [kind] of FAULTS) {
    const rule = [faults[kind] ?? 0].flat()[0] ?? 0
    const slider = $(`fault-${kind}`)
    slider.value = Math.round((typeof rule === 'number' ? rule : (rule.rate ?? 1)) * 100)
    if (rule.taken) $('taken').checked = true
    markFault(slider)
  }
  $('refuse').value = (faults.refuse_items ?? []).join(', ')
}

function showAnew() {
  lastCall = 0
  userOf.clear()
  list.replaceChildren()
}

// Only a change of state is read out; how old what is shown is, is for who looks.
function showState(className, text) {
  $('live').className = className
  say($('live'), text)
}

const AGE = new Intl.DateTimeFormat([], { dateStyle: 'medium', timeStyle: 'long', hour12: false })

async function poll() {
  try {
    if (!paused && !document.hidden) {
      await Promise.all([showCalls(), showFigures(), showResources()])
      shownAt = Date.now()
      say($('as-of'), `as of ${AGE.format(shownAt)}`)
    }
    showState(paused ? 'live' : 'live on', paused ? 'paused' : 'live')
  } catch {
    showState('live off', 'no answer')
    if (shownAt) say($('as-of'), `${Math.round((Date.now() - shownAt) / 1000)} s old, of ${AGE.format(shownAt)}`)
  }
  setTimeout(poll, POLL_MS)
}

$('endpoint').textContent = location.origin
for (const name of ['operation', 'session', 'user', 'item']) $(name).addEventListener('change', showAnew)
$('pause').addEventListener('click', () => {
  paused = !paused
  $('pause').setAttribute('aria-pressed', String(paused))
  $('pause').textContent = paused ? 'Go on' : 'Pause'
})
$('forget').addEventListener('click', async () => {
  await fetch('/_emulator/calls', { method: 'DELETE' })
  list.replaceChildren()
})
$('refuse').addEventListener('change', setFaults)
$('taken').addEventListener('change', setFaults)
$('calm').addEventListener('click', async () => {
  await fetch('/_emulator/faults', { method: 'PUT', body: '{}' })
  $('taken').checked = false
  await readFaults()
})
buildFaults()
readFaults().catch(() => {})
poll()
