#!/bin/sh
# The model's port 11434: this machine and the private zone only, where nftables is not used directly.
# Remove: iptables -D INPUT -p tcp --dport PORT -j REMPART_MODEL, the same for FORWARD, then -F and -X REMPART_MODEL.
set -eu
iptables -N REMPART_MODEL 2>/dev/null || iptables -F REMPART_MODEL
iptables -A REMPART_MODEL -s 127.0.0.0/8 -j ACCEPT
iptables -A REMPART_MODEL -s 172.20.0.0/16 -j ACCEPT
iptables -A REMPART_MODEL -j DROP
iptables -C INPUT -p tcp --dport 11434 -j REMPART_MODEL 2>/dev/null || iptables -I INPUT 1 -p tcp --dport 11434 -j REMPART_MODEL
iptables -C FORWARD -p tcp --dport 11434 -j REMPART_MODEL 2>/dev/null || iptables -I FORWARD 1 -p tcp --dport 11434 -j REMPART_MODEL
ip6tables -N REMPART_MODEL 2>/dev/null || ip6tables -F REMPART_MODEL
ip6tables -A REMPART_MODEL -s ::1/128 -j ACCEPT
ip6tables -A REMPART_MODEL -j DROP
ip6tables -C INPUT -p tcp --dport 11434 -j REMPART_MODEL 2>/dev/null || ip6tables -I INPUT 1 -p tcp --dport 11434 -j REMPART_MODEL
ip6tables -C FORWARD -p tcp --dport 11434 -j REMPART_MODEL 2>/dev/null || ip6tables -I FORWARD 1 -p tcp --dport 11434 -j REMPART_MODEL
