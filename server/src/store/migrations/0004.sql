-- Tests of the path's MTU, of DNS and of HTTP. `duration_us` and `bytes` of an HTTP test are those of the whole request
-- and of the body that was read.
ALTER TABLE tests ADD COLUMN path_mtu_bytes INTEGER;  -- mtu: the largest packet that arrived in one piece
ALTER TABLE tests ADD COLUMN black_hole INTEGER;      -- mtu: 1 when larger packets vanish without a word
ALTER TABLE tests ADD COLUMN http_status INTEGER;
ALTER TABLE tests ADD COLUMN dns_us INTEGER;          -- dns: the first resolver's answer; http: finding the name
ALTER TABLE tests ADD COLUMN tcp_us INTEGER;          -- http: each phase's time
ALTER TABLE tests ADD COLUMN tls_us INTEGER;
ALTER TABLE tests ADD COLUMN first_byte_us INTEGER;
