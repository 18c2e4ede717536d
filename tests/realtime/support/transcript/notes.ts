/** What people wrote into the recordings: lines that are there to be read and not replayed. */
export const NOTES: RegExp[] = [
  /^# Recorded from Supabase Realtime v2\.129\.8 \(PostgreSQL 15, /,
  // How a table was made; the SQL is in setup/.
  /^ {3}(?:tables?: )?create (?:table|domain) /,
  /^ {3}replica identity full, no RLS, TimeZone of the server UTC$/,
  /^ {3}as p14(?:i|xf), RLS on, policy for select to anon using \(true\)$/,
  /^ {3}create policy for select to authenticated using \(realtime\.topic\(\) like 'p19%'\);/,
  /^ {3}create policy for select to authenticated using \(realtime\.topic\(\) like 'p20%'\)$/,
  // The claims of a token; the cues make it.
  /^ {3}\{"(?:sub|role)":.*,"exp":now\+600\}$/,
  /^ {3}max_joins_per_second of the tenant: 10; /,
  /^ {3}405 joins in 8527 ms until then; J is CLOSED$/,
  // Which filters the ids of a frame stand for: the ids themselves are compared.
  /^ {3}matched: /,
  /^ {3}without the like filters$/,
  // Why no frame came: where the original loses changes, the deviations say so.
  /^ {3}no frame: /,
  /^ {3}public\.p17o was seen again 5 s later /,
  /^ {3}the same: the row 'right after' is lost for all/,
  /^ {3}\(the repeated "Subscribed to PostgreSQL" here is the 60 s look/,
  // What the next lines do.
  /^ {3}heartbeats are not shown in this file\. /,
  /^ {3}now the filter n=gt\.0 compares text$/,
  /^ {3}the column of the filter is dropped$/,
  /^ {3}a new subscription to p16late works at once/,
  /^ {3}membership taken away right after the insert, in one statement batch/,
  /^ {3}U2 pushes a token whose claim is acme$/,
  /^ {3}C leaves the channel while tracked$/,
  /^ {3}B is cut off without a close frame \(TCP reset\)$/,
  // The cues make the frames that are counted here.
  /^ {3}frames received: 250, ids consecutive: true$/,
];
