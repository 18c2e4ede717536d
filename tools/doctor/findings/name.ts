import type { Rows } from "./finding.ts";

/** What can be wrong with the address: name, TCP, TLS. */
export const NAME = {
  name_unresolved: [
    "failed",
    "The host name does not resolve.",
    "Check the URL for a typing error and the DNS record; a paused hosted project loses its name.",
  ],
  resolver_fails: [
    "failed",
    "No name server tells the host's address, which says nothing of the name itself.",
    "Check this machine's name servers (/etc/resolv.conf, VPN, a container's DNS). Where others have SERVFAIL too, the domain's own servers or its DNSSEC fail.",
  ],
  tcp_refused: [
    "failed",
    "Nothing listens at the host and port.",
    "Start the server, or correct the port; in Docker, publish the port and bind to 0.0.0.0.",
  ],
  no_route: [
    "failed",
    "No way leads from here to the host's address.",
    "An address of IPv6 alone wants a network that has it: add an A record. Else check the address.",
  ],
  tcp_timeout: [
    "failed",
    "The host does not answer on this port.",
    "Open the port in the firewall or security group, and check the address.",
  ],
  tls_expired: [
    "failed",
    "The certificate is not valid at this time.",
    "Renew it and reload the server; then check that the renewal runs by itself.",
  ],
  tls_name: [
    "failed",
    "The certificate is for another name.",
    "Get a certificate that holds this name, or connect by a name that it holds.",
  ],
  tls_chain: [
    "failed",
    "The certificate is not signed by an authority that clients trust.",
    "Serve the full chain (fullchain.pem, not cert.pem); for an own authority, or one of a network or a virus scanner that reads TLS along, set DENO_CERT here, on Node NODE_EXTRA_CA_CERTS.",
    {
      settings: `# nginx: the chain, not the certificate alone
ssl_certificate /etc/letsencrypt/live/example.com/fullchain.pem;`,
    },
  ],
  tls_expires_soon: [
    "warning",
    "The certificate expires within two weeks.",
    "Check that its renewal works.",
  ],
  tls_no_certificate: [
    "failed",
    "What answers speaks TLS, and seems to have no certificate for this name.",
    "Add the name to the sites of that server, and read in its log why none was obtained for it.",
  ],
  tls_failed: [
    "failed",
    "The TLS handshake fails.",
    "Check that this port speaks TLS, and TLS 1.2 or newer, and has a certificate for this very name.",
  ],
  http2_only: [
    "failed",
    "The front speaks HTTP/2 alone, and browsers open WebSockets by HTTP/1.1.",
    "Offer http/1.1 beside h2 (ALPN) at this address.",
  ],
  not_http: [
    "failed",
    "What answers here does not speak HTTP/1.1.",
    "Check scheme and port: an https port asked by http:// answers like this.",
  ],
} as const satisfies Rows;
