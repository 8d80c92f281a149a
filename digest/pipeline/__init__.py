"""The day on one page: fetch what is due, compose what is due, deliver what is due.

    fetching    Source     --due--> get, parse --Listing--> diff --changes--> items
    composing   Subscriber --due--> rank --Ranked--> compose --Digest--> picks and a delivery
    delivering  Delivery   --due--> render --message--> transport --reply--> attempts

Each of the three has one rhythm: ask the store what is due, claim it by moving its due time
on, work, record.  So each may run twice, or on two machines, and be killed at any line.
These files hand values from stage to stage; what is decided is decided in the stages.
"""
