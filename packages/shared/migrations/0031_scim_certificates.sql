-- Why: a bearer token is good in whoever's hands it is. One that is bound to a client's
-- certificate is good only from whoever has the key of that as well; the proxy that ends
-- TLS verifies it and says which one it was.
alter table scim_tokens
  -- Of the certificate's DER form, in lower-case hexadecimal; null: any certificate, or none.
  add column certificate_sha256 text collate "C",
  -- As RFC 4514 writes it; null: any certificate, or none.
  add column certificate_subject text;
