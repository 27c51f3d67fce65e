'use strict'
// Shows status.json once a second. Everything from it goes in as text, never as markup.

const PERIOD_MS = 1000
const KEPT = 120
const history = []
const whole = new Intl.NumberFormat('en')
const at = (id) => document.getElementById(id)
const say = (id, text) => { at(id).textContent = text }

const rate = (name) => {
  const last = history.at(-1), before = history.at(-6) ?? history[0]
  const seconds = (last.nowMs - before.nowMs) / 1000
  return seconds > 0 ? (last.spool[name] - before.spool[name]) / seconds : 0
}

const table = (id, counts, before) => {
  const rows = Object.entries(counts).filter(([, count]) => count).sort((a, b) => b[1] - a[1])
  const made = rows.map(([name, count]) => {
    const row = document.createElement('tr')
    row.insertCell().textContent = name
    row.insertCell().textContent = whole.format(count)
    row.classList.toggle('fresh', before !== undefined && count !== before[name])
    return row
  })
  if (!made.length) {
    const row = document.createElement('tr')
    const cell = row.insertCell()
    cell.textContent = 'none'
    cell.className = 'none'
    made.push(row)
  }
  at(id).replaceChildren(...made)
}

const chart = () => {
  const rates = { accepted: [], delivered: [] }
  for (let i = 1; i < history.length; i++) {
    const seconds = Math.max(0.001, (history[i].nowMs - history[i - 1].nowMs) / 1000)
    for (const name in rates) {
      rates[name].push(Math.max(0, history[i].spool[name] - history[i - 1].spool[name]) / seconds)
    }
  }
  const peak = Math.max(1, ...rates.accepted, ...rates.delivered)
  for (const name in rates) {
    const points = rates[name].map((value, i) => {
      const x = 600 - (rates[name].length - 1 - i) * (600 / (KEPT - 1))
      return `${x.toFixed(1)},${(118 - (value / peak) * 114).toFixed(1)}`
    })
    at(`line-${name}`).setAttribute('points', points.join(' '))
  }
  say('peak', `peak ${whole.format(Math.round(peak))}/s`)
}

const show = (now) => {
  const before = history.at(-1)
  history.push(now)
  if (history.length > KEPT) history.shift()
  const { spool, readiness } = now
  for (const name of ['accepted', 'delivered', 'pending', 'buried']) say(name, whole.format(spool[name]))
  for (const name of ['accepted', 'delivered']) say(`${name}-rate`, `${rate(name).toFixed(1)} a second`)
  say('oldest', spool.pending ? `oldest ${spool.oldestS.toFixed(1)} s` : 'nothing waits')
  say('erased', `${whole.format(spool.erased)} erased`)
  const sum = spool.delivered + spool.buried + spool.erased + spool.pending
  say('balance', `${whole.format(spool.accepted)} accepted = ${whole.format(spool.delivered)} delivered + ` +
    `${whole.format(spool.buried)} buried + ${whole.format(spool.erased)} erased + ${whole.format(spool.pending)} pending`)
  at('balance').classList.toggle('off', sum !== spool.accepted)
  const state = at('state')
  state.textContent = readiness.ready ? 'ready' : readiness.reasons.join(', ')
  state.className = `state ${readiness.ready ? 'ready' : 'not-ready'}`
  const items = readiness.problems.map((line) => {
    const item = document.createElement('li')
    item.textContent = line
    return item
  })
  at('problems').replaceChildren(...items)
  at('problems').hidden = !items.length
  for (const name of ['rejected', 'beacons', 'calls', 'identities', 'buried', 'lost']) {
    table(`table-${name}`, now[name], before?.[name])
  }
  chart()
  say('version', now.version)
  say('sites', now.sites.length > 1 ? `${now.sites.length} sites` : `site ${now.sites[0]}`)
  say('size', `spool ${(spool.sizeBytes / 1048576).toFixed(1)} MiB`)
}

const tick = async () => {
  try {
    const answer = await fetch('status.json', { cache: 'no-store' })
    show(await answer.json())
  } catch {
    at('state').textContent = 'the relay does not answer'
    at('state').className = 'state away'
  }
  setTimeout(tick, PERIOD_MS)
}
tick()
