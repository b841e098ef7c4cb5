-- Downloads and uploads: what the listener saw of them.
ALTER TABLE tests ADD COLUMN contended INTEGER;                -- 1 when others took more than their share meanwhile; NULL: not known
ALTER TABLE tests ADD COLUMN listener_cpu REAL;                -- its processors' busiest stretch, 0 to 1
ALTER TABLE tests ADD COLUMN listener_tests INTEGER;           -- the most throughput tests at one time, this one included
ALTER TABLE tests ADD COLUMN uplink_share REAL;                -- the most that all tests took of its configured uplink
ALTER TABLE tests ADD COLUMN waited_us INTEGER;                -- how long the test waited for its turn
-- What its kernel knows of the test's connections (TCP_INFO), summed over them.
ALTER TABLE tests ADD COLUMN tcp_retransmitted_bytes INTEGER;
ALTER TABLE tests ADD COLUMN tcp_min_rtt_us INTEGER;           -- the least of all
ALTER TABLE tests ADD COLUMN tcp_rtt_us INTEGER;               -- the mean of the smoothed ones at the end
ALTER TABLE tests ADD COLUMN tcp_busy_us INTEGER;              -- with something to send
ALTER TABLE tests ADD COLUMN tcp_rwnd_limited_us INTEGER;      -- of it: held up by the receiver's window
ALTER TABLE tests ADD COLUMN tcp_sndbuf_limited_us INTEGER;    -- of it: held up by the sender's buffer
